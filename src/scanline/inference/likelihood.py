"""Log-likelihoods of images, and of what follows a state, read many steps at a time."""

import numpy as np
import tensorflow as tf

from scanline.inference.classes import over_classes
from scanline.models.predictor import Predictor
from scanline.models.stack import States

STEPS_IN_MEMORY = 2**17  # rows x steps whose inputs and outputs are held at once
IMAGES = 256  # scored at once


def read_steps(
    model: Predictor, pixels: np.ndarray, start: int, stop: int, states: States
) -> tuple[np.ndarray, States]:
    """log p(pixels ``start`` to ``stop`` | those before) float64 [B], nats; the states after.

    ``pixels`` [B, T]; ``states`` are those before step ``start``. Bounded memory for any length.
    """
    total = np.zeros(len(pixels))
    block = max(STEPS_IN_MEMORY // len(pixels), 1)
    rows = tf.constant(pixels)
    for t in range(start, stop, block):
        added, states = _score(
            model, rows, tf.constant(t), tf.constant(min(t + block, stop)), states
        )
        total += added.numpy()
    return total, states


@tf.function(autograph=False, reduce_retracing=True)
def _score(model, pixels, start, stop, states):
    logits, states = model.segment(pixels, start, stop, states)
    targets = tf.cast(pixels[:, start:stop], logits.dtype)
    nats = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    # Summed in double precision: the differences between completions are small beside the sum.
    return -tf.reduce_sum(tf.cast(nats, tf.float64), axis=1), states


def log_likelihoods(model: Predictor, pixels: np.ndarray) -> np.ndarray:
    """log p(image) of ``pixels`` [N, T], float64 [N], nats, whatever the class is."""
    return over_classes(model, lambda of_class: _log_likelihoods(of_class, pixels))


def _log_likelihoods(model: Predictor, pixels: np.ndarray) -> np.ndarray:
    parts = [pixels[i : i + IMAGES].astype(np.uint8) for i in range(0, len(pixels), IMAGES)]
    return np.concatenate(
        [
            read_steps(model, each, 0, each.shape[1], model.zero_states(len(each)))[0]
            for each in parts
        ]
    )
