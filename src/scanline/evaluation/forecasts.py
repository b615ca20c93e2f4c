"""How good a forecast of hidden pixels is, once the truth is seen.

A forecast says which values are most probable and, pixel by pixel, how probable ink is. Its Brier
score is the mean of (p - pixel)**2: 0 at best, 0.25 for p = 1/2 everywhere. It is calibrated where,
of all pixels with p = 0.7, seven in ten are ink: what a reliability diagram shows.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import mark_columns
from scanline.inference.forecast import Forecast
from scanline.layout import Place

BINS = 10  # of a reliability diagram, equally wide


def scores(forecast: Forecast, truth: np.ndarray) -> dict[str, float]:
    """Means over images and hidden pixels, against the true values ``truth`` [N, k].

    nats_per_hidden_pixel (of the truth, -log p; NaN where undefined), brier, and the accuracies.
    """
    return {
        "nats_per_hidden_pixel": -forecast.log_prob.mean() / truth.shape[1],
        **accuracies(forecast.best, forecast.marginals, truth),
        "brier": np.square(forecast.marginals - truth).mean(),
    }


def accuracies(best: np.ndarray, marginals: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How often a forecast is right about hidden pixels, all arrays [N, k].

    map_whole_accuracy (the share of images all of whose hidden pixels ``best`` has right),
    map_pixel_accuracy (the share of pixels that it has right), marginal_pixel_accuracy (the share
    of pixels whose more probable value is the true one).
    """
    right = best == truth
    return {
        "map_whole_accuracy": right.all(axis=1).mean(),
        "map_pixel_accuracy": right.mean(),
        "marginal_pixel_accuracy": ((marginals > 0.5) == truth).mean(),
    }


def digit_accuracy(class_log_probs: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose most probable class [N, K] is their label [N]."""
    return float((class_log_probs.argmax(axis=1) == labels).mean())


def reliability(marginals: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """How often pixels are ink, by the probability of it: one line for each bin that holds pixels.

    Columns: low, high (the bin, [low, high), the last one with its end), n_pixels, p_ink (mean
    forecast), ink (the share of true pixels that are ink).
    """
    bins = np.minimum((marginals.ravel() * BINS).astype(int), BINS - 1)
    pixels = pd.DataFrame({"bin": bins, "p_ink": marginals.ravel(), "ink": truth.ravel()})
    table = pixels.groupby("bin").agg(
        n_pixels=("ink", "size"), p_ink=("p_ink", "mean"), ink=("ink", "mean")
    )
    places = table.index.to_numpy()
    table.insert(0, "low", places / BINS)
    table.insert(1, "high", (places + 1) / BINS)
    return table.reset_index(drop=True)


def by_model(methods: Sequence[Path]) -> pd.DataFrame:
    """One table of several methods.csv files, each where its stage writes it (``layout``).

    The column ``model`` comes first. Several seeds of a model are one line, their mean; the last
    column, ``n_seeds``, says of how many. Models of other data stand apart (``data.other_data``).
    """
    table = pd.concat(pd.read_csv(path).assign(model=Place.of(path).variant) for path in methods)
    keys = ["model", "hole", "method", *mark_columns(table)]
    lines = table.groupby(keys, sort=False, dropna=False)
    table = lines.mean().astype({"n_images": int}).assign(n_seeds=lines.size())
    return table.reset_index()
