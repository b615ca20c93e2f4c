"""Layers of ours and of Keras with the same weights, and what a call of each gives."""

import keras
import numpy as np
import tensorflow as tf
from native_calls import weighted_sum

from scanline.models.layers import GRU, LSTM

BATCH, STEPS, WIDTH, UNITS = 5, 7, 3, 6
# float32 rounds each of a dozen terms of size 1 by 6e-8, and other orders of the sums differ by as
# much; a wrong gate, state or order of steps is off by 0.01. Gradients add up 35 such terms.
VALUES, GRADIENTS = 1e-5, 1e-4
PAIRS = [(GRU, keras.layers.GRU), (LSTM, keras.layers.LSTM)]


def twins(pair, *arguments, width=WIDTH, **options):
    """Our layer and Keras' with the same drawn weights."""
    layers = [kind(*arguments, seed=4, **options) for kind in pair]
    for layer in layers:
        layer.build((BATCH, STEPS, width))
        generator = np.random.default_rng(0)
        layer.set_weights([generator.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layers


def draw(*shape, seed=1):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def results_of(layer, x, **given):
    """Results of a call, then the gradients of a weighted sum of them, all as float64 arrays."""
    x = tf.convert_to_tensor(x)
    differentiable = [*layer.trainable_variables, *([x] if x.dtype.is_floating else [])]
    with tf.GradientTape() as tape:
        tape.watch(x)
        results = tf.nest.flatten(layer(x, **given))
        loss = tf.add_n([tf.cast(weighted_sum(v), tf.float64) for v in results])
    gradients = tape.gradient(loss, differentiable)
    return [[np.asarray(v, np.float64) for v in values] for values in (results, gradients)]


def assert_alike(ours, theirs, values=VALUES, gradients=GRADIENTS):
    """Results and gradients alike; of a gradient, beside its largest number."""
    for mine, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=values)
    for mine, other in zip(ours[1], theirs[1], strict=True):
        largest = np.abs(other).max(initial=0)
        np.testing.assert_allclose(mine, other, rtol=0, atol=gradients * max(largest, 1e-3))


def on_core(layer, *shape, dtype=tf.float32, **given) -> bool:
    """Whether the layer's graph has the core's operation."""
    traced = tf.function(lambda x: layer(x, **given)).get_concrete_function(
        tf.TensorSpec(shape or (BATCH, STEPS, WIDTH), dtype)
    )
    return any(op.type == "ScanlineRecurrent" for op in traced.graph.get_operations())
