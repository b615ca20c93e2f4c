"""Which images a step of a training sees, and which ones its checkpoints are chosen on.

The order of an epoch's images, how each is shifted, and the pixels of those that are drawn anew are
drawn from (seed, epoch): so a training that was stopped sees from there on what one that was not
sees.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scanline.data.pixels import FULL_GREY, PixelSet
from scanline.training.recipe import Recipe

TEST_BATCH = 800  # images; the report's way of choosing a checkpoint
TEST_IMAGES, SHIFTS, PIXELS = 1, 2, 3  # streams of an epoch's draws


class Batch(NamedTuple):
    """What a step is given of B images of T pixels."""

    epoch: int  # from 0
    pixels: np.ndarray  # uint8 [B, T]
    labels: np.ndarray  # [B]
    ink: np.ndarray | None  # float32 [B, T], the probability by which each pixel was drawn, if so


def batches(train: PixelSet, recipe: Recipe, start: int) -> Iterator[Batch]:
    """The batch of each step from ``start`` on.

    Each image is shifted anew in each epoch by whole rows and columns, each uniform in
    -shift_pixels..shift_pixels; what comes in at an edge is no ink. Images that have grey values
    are drawn from them anew in each epoch.
    """
    size, margin, labels = len(train), recipe.shift_pixels, train.labels_or_zeros
    steps_per_epoch = math.ceil(size / recipe.batch_size)
    shape = train.description["rows"], train.description["columns"]

    def shifted(pixels: np.ndarray) -> np.ndarray:
        """A view: [N, 2 margin + 1, 2 margin + 1, *shape], by rows down and columns right."""
        padded = np.pad(pixels.reshape(size, *shape), ((0, 0), *[(margin, margin)] * 2))
        return sliding_window_view(padded, shape, axis=(1, 2))

    grey = None if train.grey is None else shifted(train.grey)
    for epoch in range(start // steps_per_epoch, recipe.epochs):
        pixels = shifted(pixels_of(train, recipe.seed, epoch))
        order = np.random.default_rng([recipe.seed, epoch]).permutation(size)
        generator = np.random.default_rng([recipe.seed, epoch, SHIFTS])
        shifts = generator.integers(0, 2 * margin, (size, 2), endpoint=True)
        for at in range(max(0, start - epoch * steps_per_epoch), steps_per_epoch):
            chosen = order[at * recipe.batch_size : (at + 1) * recipe.batch_size]
            places = chosen, *shifts[chosen].T
            flat = len(chosen), -1
            ink = None if grey is None else grey[places].reshape(flat) / np.float32(FULL_GREY)
            yield Batch(epoch, pixels[places].reshape(flat), labels[chosen], ink)


def pixels_of(train: PixelSet, seed: int, epoch: int) -> np.ndarray:
    """The training pixels of an epoch, from 0, uint8 [N, T]: as they are, or drawn anew."""
    if train.grey is None:
        return train.pixels
    generator = np.random.default_rng([seed, epoch, PIXELS])
    # A uniform integer in 0..254 lies below a value of 0..255 with exactly that probability.
    return (generator.integers(0, 255, train.grey.shape, np.uint8) < train.grey).astype(np.uint8)


def held_out_images(held_out: PixelSet, recipe: Recipe, epoch: int) -> PixelSet:
    """The images that an epoch's checkpoint is scored on."""
    if recipe.selection == "validation":
        return held_out
    count = min(TEST_BATCH, len(held_out))
    generator = np.random.default_rng([recipe.seed, epoch, TEST_IMAGES])
    chosen = generator.choice(len(held_out), count, replace=False)
    return held_out.chosen(chosen)
