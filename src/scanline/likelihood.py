"""Likelihoods of whole images: log p(x) = sum over t of log p(x_t | x_1 .. x_{t-1})."""

import numpy as np
import tensorflow as tf

from scanline.predictor import Predictor

BATCH = 256  # images; bounds the memory


def log_probs(logits: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Log-probability of each pixel's own value, in nats; shapes as ``logits``."""
    targets = tf.cast(pixels, logits.dtype)
    return -tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)


def log_likelihoods(model: Predictor, pixels: np.ndarray) -> np.ndarray:
    """Log-likelihood of each image in nats: pixels [N, T] -> float64 [N]."""

    @tf.function(reduce_retracing=True)
    def batch(part):
        return tf.reduce_sum(tf.cast(log_probs(model(part), part), tf.float64), axis=1)

    parts = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
    return np.concatenate([batch(tf.constant(part)).numpy() for part in parts])
