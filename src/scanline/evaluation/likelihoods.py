"""How good a next-pixel model is at each image, told nothing but the pixels.

A model that reads labels is not told them: its numbers are those of log p(image), the sum over all
classes, so that they compare with other models'. What it gains by a label stands beside them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scanline.data.pixels import PixelSet
from scanline.inference.classes import read_parts
from scanline.inference.log_odds import log_prob
from scanline.models.predictor import Predictor
from scanline.training.objectives import PREDICT


class ByClass(NamedTuple):
    """What a model that reads labels says of the classes of N images."""

    log_given: np.ndarray  # float64 [N], log p(image | its label), nats
    log_probs: np.ndarray  # float64 [N, K], log p(class | image), nats


class Scored(NamedTuple):
    """Of N images."""

    nats: np.ndarray  # [N], by pixel
    accuracy: np.ndarray  # [N], the share of pixels whose more probable value is the true one
    by_class: ByClass | None  # where the model reads labels, and the images have them


def score_images(model: Predictor, images: PixelSet) -> Scored:
    """The scores of a split, whose images are in raster order."""
    images = images.turned(model.orientation.way)
    if not model.classes:
        return Scored(*PREDICT.scorer(model)(images), None)
    nats, accuracy, log_given, log_probs = (
        np.concatenate(parts) for parts in zip(*_read(model, images), strict=True)
    )
    by_class = None if images.labels is None else ByClass(log_given, log_probs)
    return Scored(nats, accuracy, by_class)


def _read(model: Predictor, images: PixelSet) -> Iterator[tuple[np.ndarray, ...]]:
    """Of a batch at a time: nats, accuracy, log p(image | label), log p(class | image)."""
    for part, read in read_parts(model, images.pixels):
        pixels, labels = images.pixels[part], images.labels_or_zeros[part]
        logits = read.mixed_logits
        yield (
            -log_prob(logits, pixels).mean(axis=1),
            ((logits > 0) == pixels).mean(axis=1),
            read.log_given[labels, np.arange(len(pixels)), -1],
            read.class_log_probs(),
        )
