"""Completions from what lies before alone: the report's way, for any hidden set.

Hidden pixels are filled one after the other, each from p(pixel | all pixels before it): drawn, or
greedily the more probable value. Filled-in pixels count as seen, observed ones stay as they are,
and what lies after a hidden pixel has no say in it. For a hidden run this is ancestral sampling.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from scanline.posterior import check_hidden_sets
from scanline.predictor import Predictor
from scanline.sampling import fill, read

ROWS = 2**14  # sequences that advance together


class PrefixCompletions(NamedTuple):
    """Of k hidden pixels of N images, S samples an image."""

    samples: np.ndarray  # uint8 [N, S, k]
    greedy: np.ndarray  # uint8 [N, k], each pixel its more probable value given all before it
    marginals: np.ndarray  # float64 [N, k], p(ink | pixels before), mean over the samples
    log_probs: np.ndarray  # float64 [N, k] nats, of the true pixels given the true ones before


def prefix_completions(
    model: Predictor, pixels: np.ndarray, hidden: np.ndarray, samples: int, seed: int
) -> PrefixCompletions:
    """Fills the ``hidden`` [N, k] pixels (flat indices, ascending) of each image.

    ``pixels`` [N, T] in {0, 1} are the true ones: at ``hidden`` they are read for ``log_probs``
    alone. Each draw depends on ``seed``, the pixel, and the sample's place among all. Raises
    ValueError where ``hidden`` is no such set or empty, or ``samples`` is below 1.
    """
    check_hidden_sets(hidden, pixels.shape, limit=None)
    if not hidden.shape[1]:
        raise ValueError("hidden is empty: no pixel is hidden, so there is nothing to complete")
    if samples < 1:
        raise ValueError(f"samples is {samples}; allowed: 1 and above")
    group = max(ROWS // (samples + 1), 1)
    parts = [
        _complete(model, pixels[i : i + group], hidden[i : i + group], samples, [seed, i])
        for i in range(0, len(pixels), group)
    ]
    return PrefixCompletions(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _complete(model, pixels, hidden, samples, seed) -> PrefixCompletions:
    images, size = pixels.shape
    start, stop = int(hidden.min()), int(hidden.max()) + 1
    pixels = pixels.astype(np.uint8)
    states = model.zero_states(images)
    if start:
        states = read(model, pixels, tf.constant(0), tf.constant(start), states)[1]
    forced = read(model, pixels, tf.constant(start), tf.constant(stop), states)[0]
    rows = samples + 1  # of an image: its samples, then the greedy one
    observed = np.ones((size, images), bool)
    observed[hidden.T, np.arange(images)] = False
    seen = np.zeros((size + 1, images * rows), np.uint8)  # row 0: the start token
    seen[1:] = np.repeat(pixels.T * observed, rows, axis=1)
    filled, logits = fill(
        model,
        tf.constant(seen),
        tf.constant(np.repeat(observed, rows, axis=1)),
        tf.constant(np.arange(images * rows) % rows == samples),
        tf.constant(start),
        tf.constant(stop),
        tuple(tf.repeat(state, rows, axis=0) for state in states),
        tf.constant(seed, tf.int64),
    )
    places = hidden - start
    values = _at(filled.numpy().T.reshape(images, rows, -1), places)
    odds = _at(logits.numpy().T.reshape(images, rows, -1), places)[:, :samples]
    truth = np.take_along_axis(pixels, hidden, axis=1)
    true_odds = np.take_along_axis(forced.numpy(), places, axis=1).astype(np.float64)
    return PrefixCompletions(
        samples=values[:, :samples],
        greedy=values[:, samples],
        marginals=np.exp(-np.logaddexp(0, -odds.astype(np.float64))).mean(axis=1),
        log_probs=-np.logaddexp(0, (1 - 2.0 * truth) * true_odds),
    )


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """values [N, R, L] at places [N, k] -> [N, R, k]."""
    return np.take_along_axis(values, places[:, None, :], axis=2)
