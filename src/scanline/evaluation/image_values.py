"""What each test image contributes to a score: values whose mean is the number in a table.

The scoring stages write them to files, and the folder of a file tells which model it belongs to:
{data}/{task}/{variant}/seed-{seed}/{stage}/{file}.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK
from scanline.evaluation.forecasts import accuracies
from scanline.evaluation.quantities import COMPLETED, PUBLISHED_AS
from scanline.files import load_arrays
from scanline.layout import Place


class Number(NamedTuple):
    """A number of a table, by all that names it within one data set."""

    task: str
    model: str
    seed: int
    quantity: str
    split_or_hidden: str
    trained_on: str = ""  # which other data the model is of (``data.other_data``)


def values_by_image(paths: Sequence[Path]) -> dict[Number, np.ndarray]:
    """The values [N] of every number that is a mean over images, from the stages' files.

    ``paths``: predictions.npz of classifiers, log_likelihoods.npz of next-pixel models,
    by_image.csv of completions, {hole}.npz of posteriors.
    """
    read = {
        "classify": _classified,
        "predict": _predicted,
        "complete": _completed,
        "inpaint": _inpainted,
    }
    values = {}
    for path in paths:
        _, task, model, seed = Place.of(path)
        source = _trained_on(path)
        for quantity, where, numbers in read[task](path):
            name = Number(task, model, seed, quantity, where, source)
            values[name] = np.asarray(numbers, np.float64)
    return values


def _trained_on(path: Path) -> str:
    is_table = path.suffix == ".csv"
    held = pd.read_csv(path, nrows=1).iloc[0] if is_table else load_arrays(path)[1]
    return str(held.get(MARK, ""))


def _classified(path: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    arrays, _ = load_arrays(path, "class_log_probs", "labels")
    log_probs, labels = arrays["class_log_probs"], arrays["labels"].astype(int)
    yield "nats", "test", -np.take_along_axis(log_probs, labels[:, None], axis=1)[:, 0]
    yield "accuracy", "test", log_probs.argmax(axis=1) == labels


def _predicted(path: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    by_class = ("log_likelihood_given_class", "class_log_probs", "labels")
    arrays, description = load_arrays(path, "log_likelihood", optional=by_class)
    nats = -arrays["log_likelihood"]
    yield "nats_per_pixel", "test", nats / (description["rows"] * description["columns"])
    yield "nats_per_image", "test", nats
    yield "bits_per_image", "test", nats / np.log(2)
    if all(name in arrays for name in by_class):
        given, log_probs, labels = (arrays[name] for name in by_class)
        yield "nats_per_image_given_class", "test", -given
        yield "bayes_accuracy", "test", log_probs.argmax(axis=1) == labels


def _completed(path: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    for run, images in pd.read_csv(path).groupby("hidden_run"):
        for quantity in COMPLETED:
            yield quantity, str(run), images[quantity].to_numpy()


def _inpainted(path: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    names = ("log_likelihood_truth", "log_likelihood_map", "truth_log_posterior", "entropy_nats")
    filled = ("map", "marginals", "truth")
    arrays, description = load_arrays(path, *names, *filled)
    size = description["rows"] * description["columns"]
    truth, best = (-arrays[name] / size for name in names[:2])
    yield "ground_truth_mean", path.stem, truth
    yield "map_mean", path.stem, best
    yield "difference_mean", path.stem, best - truth
    for name, numbers in accuracies(*(arrays[each] for each in filled)).items():
        yield PUBLISHED_AS[name], path.stem, numbers
    yield "truth_log_posterior", path.stem, arrays["truth_log_posterior"]
    yield "entropy", path.stem, arrays["entropy_nats"]
