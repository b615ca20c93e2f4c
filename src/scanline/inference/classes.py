"""Images whose class is not told: what a model that reads labels says of them, over all classes.

p(image) is the sum over classes of p(class) p(image | class), with the model's prior as p(class).
Of the same numbers Bayes' rule makes p(class | image). Both are exact.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from scanline.inference.log_odds import log_prob
from scanline.models.predictor import Predictor

READINGS = 2560  # of an image given a class, held at once


def over_classes(model: Predictor, log_p: Callable[[Predictor], np.ndarray]) -> np.ndarray:
    """What ``log_p`` of a model is, nats, whatever class an image is of.

    It is asked of the model of each class; a model that reads no labels is asked itself.
    """
    if not model.classes:
        return log_p(model)
    given = zip(model.of_each_class(), model.log_prior, strict=True)
    return np.logaddexp.reduce([log_p(of_class) + log_prior for of_class, log_prior in given])


class ReadByClass(NamedTuple):
    """What a model of K classes says of N images of T pixels, given each class."""

    logits: np.ndarray  # float64 [K, N, T], log-odds that a pixel is 1, given all before it
    log_given: np.ndarray  # float64 [K, N, T + 1], log p(the first t pixels | class), nats
    log_prior: np.ndarray  # float64 [K], log p(class), nats

    @property
    def log_joint(self) -> np.ndarray:
        """log p(class, the first t pixels), float64 [K, N, T + 1], nats."""
        return self.log_given + self.log_prior[:, None, None]

    @property
    def mixed_logits(self) -> np.ndarray:
        """float64 [N, T]: the same log-odds whatever the class, which the pixels before tell of."""
        before = self.log_joint[:, :, :-1]
        ink, paper = (
            np.logaddexp.reduce(before + log_prob(self.logits, pixel)) for pixel in (1, 0)
        )
        return ink - paper

    def class_log_probs(self, before: int | None = None) -> np.ndarray:
        """log p(class | the first so many pixels, None: all), float64 [N, K], nats."""
        joint = self.log_joint[:, :, -1 if before is None else before]
        return (joint - np.logaddexp.reduce(joint)).T


def read_by_class(model: Predictor, pixels: np.ndarray) -> ReadByClass:
    """Reads ``pixels`` [N, T] once for each class; about 40 K T bytes of memory an image."""
    rows = tf.constant(pixels.astype(np.uint8))
    logits = np.stack([_logits(model, rows, tf.constant(k)) for k in range(model.classes)])
    log_given = np.zeros((*logits.shape[:2], logits.shape[2] + 1))
    np.cumsum(log_prob(logits, pixels), axis=2, out=log_given[:, :, 1:])
    return ReadByClass(logits.astype(np.float64), log_given, model.log_prior)


def read_parts(model: Predictor, pixels: np.ndarray) -> Iterator[tuple[slice, ReadByClass]]:
    """``read_by_class`` of any number of images, of so many at a time that memory is bounded."""
    count = max(READINGS // model.classes, 1)
    for first in range(0, len(pixels), count):
        part = slice(first, first + count)
        yield part, read_by_class(model, pixels[part])


def class_log_probs(model: Predictor, pixels: np.ndarray, before: int | None = None) -> np.ndarray:
    """log p(class | the first so many pixels, ``before``) of images [N, T], float64 [N, K], nats.

    None: all pixels, so of whole images.
    """
    return np.concatenate([read.class_log_probs(before) for _, read in read_parts(model, pixels)])


def mixed_logits(model: Predictor, pixels: np.ndarray) -> np.ndarray:
    """``ReadByClass.mixed_logits`` of any number of images: float64 [N, T]."""
    return np.concatenate([read.mixed_logits for _, read in read_parts(model, pixels)])


@tf.function(autograph=False, reduce_retracing=True)
def _logits(model, pixels, label):
    return model(pixels, tf.repeat(label, tf.shape(pixels)[0]))
