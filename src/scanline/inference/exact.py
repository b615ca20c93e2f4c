"""The exact posterior of hidden pixels given all others, those before and those after.

By Bayes' rule p(hidden | observed) = p(image) / p(observed), and p(observed) is the sum of p(image)
over all 2**k ways to fill k hidden pixels. They form a tree: what all fillings share, up to the
first hidden pixel, is read once; at each hidden pixel every state splits in two; only what follows
the last is read 2**k times. A tree is walked depth first in batches of limited size, so that only
the result grows with 2**k.

Images are sorted by where their pixels are hidden and go in small groups. In a group, the j-th
split of every image happens at the earliest j-th hidden pixel of any image. Until its own pixel
comes, the two branches of an image are equal; this costs a little time and keeps every batch
rectangular.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from scanline.holes.sets import MAX_ENUMERATED, check_hidden
from scanline.inference.classes import over_classes
from scanline.inference.likelihood import read_steps
from scanline.models.predictor import Predictor

ROWS = 1024  # sequences in a batch
GROUP = 128  # images in a group; larger ones share their splits badly


class ExactPosterior(NamedTuple):
    """What N images with k hidden pixels each could be; C = 2**k completions.

    Completions count upwards in binary, the first hidden pixel being the highest digit.
    """

    hidden: np.ndarray  # int [N, k], flat indices, ascending
    completions: np.ndarray  # uint8 [C, k]
    log_joint: np.ndarray  # float64 [N, C], log p(completion, observed), nats
    log_observed: np.ndarray  # float64 [N], log p(observed), nats
    log_posterior: np.ndarray  # float64 [N, C], log p(completion | observed), nats
    marginals: np.ndarray  # float64 [N, k], p(hidden pixel is ink | observed)
    entropy: np.ndarray  # float64 [N], of p(completion | observed), nats
    map_index: np.ndarray  # int [N], the most probable completion (the lowest of equals)

    @property
    def map_completion(self) -> np.ndarray:
        """The most probable values of the hidden pixels, uint8 [N, k]."""
        return self.completions[self.map_index]

    def index_of(self, values: np.ndarray) -> np.ndarray:
        """Which completion ``values`` [N, k] of the hidden pixels are, int [N]."""
        return values.astype(np.int64) @ _digits(self.hidden.shape[1])

    def rank_of(self, values: np.ndarray) -> np.ndarray:
        """How many completions are more probable than ``values`` [N, k], int [N]; 0 is the best."""
        own = np.take_along_axis(self.log_joint, self.index_of(values)[:, None], axis=1)
        return (self.log_joint > own).sum(axis=1)


def exact_posterior(model: Predictor, pixels: np.ndarray, hidden: np.ndarray) -> ExactPosterior:
    """The posterior of the ``hidden`` [N, k] pixels (flat indices, ascending) of each image.

    ``pixels`` [N, T] in {0, 1}; their values at ``hidden`` are not read. With k = 0 there is one
    completion, and its joint is the image's likelihood. A model that reads labels is not told the
    class: its joints are sums over all classes. Raises ValueError where ``hidden`` is no such set
    or k exceeds ``MAX_ENUMERATED``.
    """
    check_hidden(hidden, pixels.shape)
    if (count := hidden.shape[1]) > MAX_ENUMERATED:
        raise ValueError(
            f"hidden marks {count} pixels, so 2**{count} completions; the limit is "
            f"{MAX_ENUMERATED}. Hide fewer, or use inference.smc, which samples the posterior of "
            f"any set"
        )
    pixels = pixels.astype(np.uint8)
    log_joint = over_classes(model, lambda of_class: _log_joint(of_class, pixels, hidden))
    return normalised(hidden, log_joint)


def normalised(hidden: np.ndarray, log_joint: np.ndarray) -> ExactPosterior:
    """The posterior that ``log_joint`` [N, 2**k] of the fillings of ``hidden`` [N, k] implies."""
    completions = all_completions(hidden.shape[1])
    log_observed = np.logaddexp.reduce(log_joint, axis=1)
    log_posterior = log_joint - log_observed[:, None]
    posterior = np.exp(log_posterior)
    return ExactPosterior(
        hidden=hidden,
        completions=completions,
        log_joint=log_joint,
        log_observed=log_observed,
        log_posterior=log_posterior,
        marginals=posterior @ completions,
        # A completion of probability 0 adds nothing: 0 * log 0 = 0.
        entropy=-np.sum(posterior * np.where(posterior > 0, log_posterior, 0), axis=1),
        map_index=np.argmax(log_joint, axis=1),
    )


def all_completions(count: int) -> np.ndarray:
    """All ways to fill ``count`` pixels: uint8 [2**count, count], counting upwards in binary."""
    numbers = np.arange(2**count)[:, None]
    return ((numbers & _digits(count)) > 0).astype(np.uint8)


def _log_joint(model: Predictor, pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """log p(image) of every filling, float64 [N, 2**k]."""
    images, size = pixels.shape
    count = hidden.shape[1]
    # By the last hidden pixel first: what follows it is read for every completion.
    order = np.lexsort(hidden.T) if count else np.arange(images)
    group = min(max(ROWS >> count, 1), GROUP if count else ROWS)
    result = np.empty((images, 2**count))
    for first in range(0, images, group):
        members = order[first : first + group]
        splits = [*hidden[members].min(axis=0).tolist(), size]
        states = model.zero_states(len(members))
        result[members] = _branch(
            model, pixels[members], hidden[members], [0, *splits], states, np.zeros(len(members))
        )
    return result


def _branch(model, pixels, hidden, bounds, states, log_likelihood) -> np.ndarray:
    """log p(image) [B, 2**k] of the fillings of the k pixels ``hidden`` [B, k].

    ``states`` and ``log_likelihood`` [B] are those before step ``bounds[0]``; the rows split at
    ``bounds[1:-1]``.
    """
    start, stop, count = bounds[0], bounds[1], hidden.shape[1]
    results = []
    for first in range(0, len(pixels), ROWS):
        rows = slice(first, first + ROWS)
        added, after = read_steps(model, pixels[rows], start, stop, tuple(s[rows] for s in states))
        joint = (log_likelihood[rows] + added)[:, None]
        if count:
            split = np.repeat(pixels[rows], 2, axis=0)
            place = np.repeat(hidden[rows, 0], 2)
            split[np.arange(len(split)), place] = np.arange(len(split)) % 2
            joint = _branch(
                model,
                split,
                np.repeat(hidden[rows, 1:], 2, axis=0),
                bounds[1:],
                tuple(tf.repeat(state, 2, axis=0) for state in after),
                np.repeat(joint[:, 0], 2),
            ).reshape(len(joint), 2**count)
        results.append(joint)
    return np.concatenate(results)


def _digits(count: int) -> np.ndarray:
    """The value of each binary digit of a completion's number, the first digit the highest."""
    return 1 << np.arange(count - 1, -1, -1, dtype=np.int64)
