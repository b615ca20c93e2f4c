"""What a look-ahead is trained for: hidden pixels, each given all before it and all observed ones.

The holes are drawn anew for each image in each step (Paige and Wood 2016, arXiv:1602.06701). A
contrast helps it to see early which beginnings an image's rows below go with: of a batch's
beginnings it tells the image's own (van den Oord et al. 2018, arXiv:1807.03748).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scanline.data.pixels import PixelSet
from scanline.training.objectives import Objective, Score

if TYPE_CHECKING:
    from scanline.models.look_ahead import LookAhead
    from scanline.models.predictor import Predictor

HIDDEN = 2  # is added to a pixel where it is hidden
# A step's pixels are some of the hidden ones: those that the predictor is unsure of, all others by
# this chance and weighted by its inverse, so that means stay what they are.
CHANCE, CHANCE_BY_ENTROPY = 0.06, 6.0
BEGINNINGS = 8  # pixels of every image of a step, up to which its beginnings are compared
CONTRAST = 0.03  # nats per pixel for each nat by which the comparison goes wrong


@dataclass(frozen=True)
class LookAheadObjective(Objective):
    """Of the hidden pixels of random holes; nats are by pixel of the image, hidden or not."""

    predictor: "Predictor"

    def given(self, pixels: np.ndarray, *draw: int) -> np.ndarray:
        from scanline.holes.drawn import random_holes

        described = self.predictor.pixels
        generator = np.random.default_rng(draw)
        shape = described["rows"], described["columns"]
        return pixels + HIDDEN * random_holes(generator, len(pixels), *shape).astype(np.uint8)

    def to_beat(self, train: PixelSet, held_out: PixelSet) -> tuple[str, Score]:
        """The predictor, which an untrained look-ahead leaves as it is."""
        from scanline.models.look_ahead import LookAhead

        units = self.predictor.stack.units
        untrained = LookAhead(units, "", self.predictor.pixels)
        return "the next-pixel model alone", Score.of(*self.scorer(untrained)(held_out))

    def per_image(self, model: "LookAhead", pixels, labels, training: bool, ink=None):
        import tensorflow as tf

        hidden = pixels >= HIDDEN
        # Draws of a step come from what it is given, so that a training goes on as it would have.
        seed = tf.stack([tf.reduce_sum(tf.cast(pixels, tf.int32)), tf.shape(pixels)[0]])
        pixels = pixels % HIDDEN
        outputs, logits = self.predictor.outputs(pixels)
        observed, below = model.observed(pixels, hidden, training)
        places = tf.where(hidden)  # (image, pixel)
        weights = tf.ones(tf.shape(places)[:1])
        if training:
            ink = tf.sigmoid(tf.gather_nd(logits, places))
            entropy = -(tf.math.xlogy(ink, ink) + tf.math.xlogy(1 - ink, 1 - ink))
            chance = tf.minimum(CHANCE + CHANCE_BY_ENTROPY * entropy, 1)
            chosen = tf.random.stateless_uniform(tf.shape(chance), seed) < chance
            places = tf.boolean_mask(places, chosen)
            weights = 1 / tf.boolean_mask(chance, chosen)
        correction = model.correction(
            tf.gather_nd(observed, places),
            tf.gather_nd(outputs, places),
            model.window(pixels, places),
        )
        correction *= tf.gather_nd(model.follows(hidden), places)
        corrected = tf.gather_nd(logits, places) + correction
        ink = tf.cast(tf.gather_nd(pixels, places), tf.float32)
        nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=ink, logits=corrected)
        right = tf.cast(tf.equal(corrected > 0, ink > 0.5), tf.float32)
        image, images = places[:, 0], tf.shape(pixels)[0]
        nats, right = (
            tf.math.unsorted_segment_sum(weights * each, image, images) for each in (nats, right)
        )
        nats /= tf.cast(tf.shape(pixels)[1], tf.float32)
        if training:
            # Its gradient counts, and its value is left out of the nats.
            contrast = CONTRAST * _contrast(model, pixels, outputs, below, seed)
            nats += contrast - tf.stop_gradient(contrast)
        return nats, right / tf.reduce_sum(tf.cast(hidden, tf.float32), axis=1)


def _contrast(model: "LookAhead", pixels, outputs, below, seed):
    """-log of the share that each image's own beginning has among the batch's: nats [B]."""
    import tensorflow as tf

    images, size = tf.shape(pixels)[0], tf.shape(pixels)[1]
    steps = tf.random.stateless_uniform([BEGINNINGS], seed + 1, 0, size, tf.int32)
    image, step = tf.meshgrid(tf.range(images), steps)  # [BEGINNINGS, B]
    places = tf.stack([image, step], axis=-1)
    window = model.window(pixels, tf.reshape(places, [-1, 2]))
    window = tf.reshape(window, [BEGINNINGS, images, window.shape[-1]])
    below = tf.gather_nd(below, tf.stack([image, step // model.columns], axis=-1))
    values = model.agreement(tf.gather_nd(outputs, places), window, below)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=image, logits=values)
    return tf.reduce_mean(nats, axis=0)


LOOK_AHEAD = Objective("nats_per_pixel", by_accuracy=False)


def objective_of(predictor: "Predictor") -> LookAheadObjective:
    """What the look-ahead of this predictor is trained for."""
    return LookAheadObjective(**vars(LOOK_AHEAD), predictor=predictor)
