"""Scores forecasts of hidden pixels, and how well completed digits can be read."""

from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import mark_columns, mark_of
from scanline.evaluation.forecasts import (
    digit_accuracy,
    mean_over_samples,
    reliability,
    scores,
)
from scanline.evaluation.quantities import FILLED
from scanline.files import load_arrays
from scanline.holes.sets import filled
from scanline.inference.forecast import load_forecasts
from scanline.models.classifier import Classifier, load_classifier
from scanline.provenance.stage import main

READ_SAMPLES = 16  # of each image, whose mean class is told


def score_forecasts(
    *,
    classifier: Path | None = None,
    hidden: tuple[Path, ...],
    forecasts: tuple[Path, ...],
    seconds: Path,
    out: Path,
) -> None:
    """Writes methods.csv (one line for each hole and method) and reliability.csv.

    The method ``truth`` says how well the classifier reads the true images.

    Args:
        classifier: model.keras of the classifier that reads completed images, if there is one
        hidden: {hole}.npz, images and what is hidden of them
        forecasts: {hole}.npz of one model, for the same holes in the same order
        seconds: how long each method took (seconds.csv)
        out: folder for the tables
    """
    taken = pd.read_csv(seconds).set_index(["hole", "method"])["seconds"]
    lines, bins = [], []
    for images, filling in zip(hidden, forecasts, strict=True):
        arrays, description = load_arrays(images, "hidden", "pixels", optional=("labels",))
        pixels, places = arrays["pixels"], arrays["hidden"]
        found, origin = load_forecasts(filling)
        labels = arrays.get("labels")
        reader = load_classifier(classifier, description) if classifier else None
        truth = np.take_along_axis(pixels, places, axis=1)
        at = {"hole": images.stem, "n_images": len(pixels)} | mark_of(origin)
        read = _accuracy(reader, labels, pixels[:, None])
        lines.append(at | {"method": "truth", "digit_accuracy": read})
        for method, forecast in found.items():
            count = len(forecast.best)  # chains may have filled the first images only
            completed = {"digit_accuracy": forecast.best[:, None]}
            if forecast.samples.shape[1]:
                completed["sample_digit_accuracy"] = forecast.samples[:, :1]
                completed["mean_digit_accuracy"] = forecast.samples[:, :READ_SAMPLES]
            digits = {
                name: _accuracy(reader, labels, _completed(pixels, places, values))
                for name, values in completed.items()
            }
            cost = {"seconds_per_image": taken[images.stem, method] / count}
            of_method = {"method": method, "n_images": count}
            lines.append(at | of_method | scores(forecast, truth[:count]) | digits | cost)
            table = reliability(forecast.marginals, truth[:count])
            bins.append(table.assign(hole=images.stem, method=method, **mark_of(origin)))
    for name, table, columns in (
        ("methods", pd.DataFrame(lines), ["n_images", *FILLED]),
        ("reliability", pd.concat(bins), ["low", "high", "n_pixels", "p_ink", "ink"]),
    ):
        shown = table[["hole", "method", *columns, *mark_columns(table)]]
        shown.to_csv(out / f"{name}.csv", index=False)


def _completed(pixels: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The first images with each of their completions [N, S, k]: [N, S, T]."""
    count, samples, hidden = values.shape
    images, hidden_in_each = (np.repeat(a[:count], samples, axis=0) for a in (pixels, places))
    completed = filled(images, hidden_in_each, values.reshape(-1, hidden))
    return completed.reshape(count, samples, -1)


def _accuracy(reader: Classifier | None, labels: np.ndarray | None, images: np.ndarray) -> float:
    """How often the classifier reads the right class, by its mean over samples [N, S, T].

    NaN without a classifier or labels.
    """
    if reader is None or labels is None:
        return float("nan")
    count, samples, size = images.shape
    log_probs = reader.log_probs(images.reshape(-1, size)).reshape(count, samples, -1)
    return digit_accuracy(mean_over_samples(log_probs), labels[:count])


if __name__ == "__main__":
    main(score_forecasts)
