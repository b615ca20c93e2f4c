"""How good a forecast of hidden pixels is, once the truth is seen.

A forecast says which values are most probable and, pixel by pixel, how probable ink is. Its Brier
score is the mean of (p - pixel)**2: 0 at best, 0.25 for p = 1/2 everywhere. It is calibrated where,
of all pixels with p = 0.7, seven in ten are ink: what a reliability diagram shows.
"""

import numpy as np
import pandas as pd

from scanline.evaluation.mixtures import mixed
from scanline.inference.forecast import Forecast

BINS = 10  # of a reliability diagram, equally wide


def scores(forecast: Forecast, truth: np.ndarray) -> dict[str, float]:
    """Means over images and hidden pixels, against the true values ``truth`` [N, k].

    nats_per_hidden_pixel (of the truth, -log p; NaN where undefined), brier, and the accuracies.
    """
    found = accuracies(forecast.best, forecast.marginals, truth)
    return {
        "nats_per_hidden_pixel": -forecast.log_prob.mean() / truth.shape[1],
        **{name: each.mean() for name, each in found.items()},
        "brier": np.square(forecast.marginals - truth).mean(),
    }


def accuracies(best: np.ndarray, marginals: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """How often a forecast is right about each image's hidden pixels [N, k]; of each a value [N].

    map_whole_accuracy (whether ``best`` has all of them right), map_pixel_accuracy (the share of
    them that it has right), marginal_pixel_accuracy (the share of them whose more probable value
    is the true one).
    """
    right = best == truth
    return {
        "map_whole_accuracy": right.all(axis=1),
        "map_pixel_accuracy": right.mean(axis=1),
        "marginal_pixel_accuracy": ((marginals > 0.5) == truth).mean(axis=1),
    }


def digit_accuracy(class_log_probs: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose most probable class [N, K] is their label [N]."""
    return float((class_log_probs.argmax(axis=1) == labels).mean())


def mean_over_samples(class_log_probs: np.ndarray) -> np.ndarray:
    """log p(class) of each image, the mean of p over its samples: [N, S, K] -> [N, K]."""
    return mixed(np.swapaxes(class_log_probs, 0, 1))


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
