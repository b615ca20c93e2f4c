"""The classifier against NumPy from the equations."""

import numpy as np
import pytest
import reference
import tensorflow as tf

from scanline.models.classifier import Classifier

DESCRIPTION = {"rows": 4, "columns": 5}
EPSILON = 1e-3  # added to a variance by batch norm


def classifier(cell, layers):
    """A classifier whose every weight is drawn: at the start many are zeros or ones."""
    model = Classifier(cell, 6, layers, pixels=DESCRIPTION, seed=1)
    rng = np.random.default_rng(2)
    for weight in model.weights:
        values = rng.normal(size=weight.shape) * 0.5
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def pixels(count=9):
    return np.random.default_rng(3).integers(0, 2, (count, 20)).astype(np.uint8)


def remembered(model, images):
    """The last output of the stack, by the equations, in float64 [N, units]."""
    outputs = images.astype(np.float64)[..., None]
    for layer in model.stack.recurrent_layers:
        weights = [weight.astype(np.float64) for weight in layer.get_weights()]
        cell = model.stack.cell
        zeros = np.zeros((len(images), model.stack.units))
        states = (zeros,) * model.stack.states_per_layer
        outputs, _ = reference.run(cell, outputs, states, weights)
    return outputs[:, -1]


def head(model, values, moments=None):
    """Norm, 100 units of ReLU, norm, class logits; by the layers' moments or the batch's."""
    norm_0, hidden, norm_1, logits = (
        [weight.astype(np.float64) for weight in layer.get_weights()] for layer in model.head
    )

    def normalise(values, gamma, beta, mean, variance):
        if moments == "batch":
            mean, variance = values.mean(axis=0), values.var(axis=0)
        return gamma * (values - mean) / np.sqrt(variance + EPSILON) + beta

    values = normalise(values, *norm_0)
    values = np.maximum(values @ hidden[0] + hidden[1], 0)
    return normalise(values, *norm_1) @ logits[0] + logits[1]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 3])
def test_log_probs_equal_the_equations(cell, layers):
    model, images = classifier(cell, layers), pixels()
    logits = head(model, remembered(model, images))
    wanted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    # float32 over 20 steps and a head that widens 6 values to 100
    np.testing.assert_allclose(model.log_probs(images), wanted, rtol=1e-4, atol=1e-4)


def test_training_normalises_by_the_batch_itself():
    model, images = classifier("gru", 1), pixels()
    wanted = head(model, remembered(model, images), moments="batch")
    found = model(tf.constant(images), training=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_recomputed_moments_are_those_of_all_images_under_the_weights_now():
    model, images = classifier("lstm", 1), pixels(300)
    model.recompute_moments(images)
    wanted = head(model, remembered(model, images), moments="batch")
    np.testing.assert_allclose(model(tf.constant(images)), wanted, rtol=1e-3, atol=1e-3)


def test_gradients_equal_those_through_keras_layers():
    """One training step's gradients, the native core's and those of Keras' own layers."""
    model, images = classifier("gru", 3), pixels()
    found = []
    for core in ("auto", "keras"):
        for layer in model.stack.recurrent_layers:
            layer.core = core
        with tf.GradientTape() as tape:
            logits = model(tf.constant(images), training=True)
            # Weights by image: the plain sum of normalised values has no gradient.
            loss = tf.reduce_sum(logits * tf.cos(tf.range(9.0))[:, None])
        found.append(tape.gradient(loss, model.trainable_variables))
    for ours, theirs in zip(*found, strict=True):
        scale = float(tf.reduce_max(abs(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3 * scale + 1e-6)
