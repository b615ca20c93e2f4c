"""The classifier against NumPy from the equations."""

import numpy as np
import pytest
import reference
import tensorflow as tf
from native_calls import NEEDS_COMPILER

from scanline.data.order import reading_order
from scanline.models import native
from scanline.models.classifier import Classifier, load_classifier
from scanline.models.export import export_stock
from scanline.models.reading import Reading

DESCRIPTION = {"rows": 4, "columns": 5}
GREY = DESCRIPTION | {"binarise": "none"}
PERMUTED = {"order": "permuted"}
READ = [DESCRIPTION, DESCRIPTION | PERMUTED, GREY, GREY | PERMUTED]
EPSILON = 1e-3  # added to a variance by batch norm


def classifier(cell, layers, described=DESCRIPTION):
    """A classifier whose every weight is drawn: at the start many are zeros or ones."""
    model = Classifier(cell, 6, layers, pixels=described, seed=1)
    rng = np.random.default_rng(2)
    for weight in model.weights:
        values = rng.normal(size=weight.shape) * 0.5
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def pixels(count=9):
    return np.random.default_rng(3).integers(0, 2, (count, 20)).astype(np.uint8)


def grey_pixels(count=9):
    """Levels of grey; the first rows are paper, as above a digit, and most images begin alike."""
    levels = np.random.default_rng(4).integers(0, 256, (count, 20)).astype(np.uint8)
    levels[:, :9] = 0
    levels[::3, 8] = 1  # not yet ink, and not paper any more
    return levels


def images_for(described, count=9):
    return grey_pixels(count) if described.get("binarise") == "none" else pixels(count)


def remembered(model, images):
    """The last output of the stack, by the equations, in float64 [N, units]."""
    outputs = images.astype(np.float64)[..., None]
    if model.pixels.get("binarise") == "none":
        outputs = outputs / 255
    outputs = outputs[:, reading_order(model.pixels.get("order", "raster"), 20)]
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


@pytest.mark.parametrize("described", READ, ids=["binary", "permuted", "grey", "grey permuted"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 3])
def test_log_probs_equal_the_equations(cell, layers, described):
    model, images = classifier(cell, layers, described), images_for(described)
    logits = head(model, remembered(model, images))
    wanted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    # float32 over 20 steps and a head that widens 6 values to 100
    np.testing.assert_allclose(model.log_probs(images), wanted, rtol=1e-4, atol=1e-4)


def test_training_normalises_by_the_batch_itself():
    model, images = classifier("gru", 1), pixels()
    wanted = head(model, remembered(model, images), moments="batch")
    found = model(tf.constant(images), training=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_weights_are_called_by_their_layers():
    paths = [weight.path for weight in classifier("gru", 1).weights]
    norm = ("gamma", "beta", "moving_mean", "moving_variance")
    assert paths == [
        *(f"stack/gru_0/gru_cell/{name}" for name in ("kernel", "recurrent_kernel", "bias")),
        *(f"norm_0/{name}" for name in norm),
        *("hidden/kernel", "hidden/bias"),
        *(f"norm_1/{name}" for name in norm),
        *("logits/kernel", "logits/bias"),
    ]


def test_the_running_averages_move_by_a_hundredth():
    """From 0 and 1, where they start."""
    model, images = Classifier("gru", 6, 1, pixels=DESCRIPTION, seed=1), pixels()
    values = remembered(model, images)
    model(tf.constant(images), training=True)
    norm = model.head[0]
    np.testing.assert_allclose(norm.moving_mean, 0.01 * values.mean(axis=0), atol=1e-7)
    variance = 0.99 + 0.01 * values.var(axis=0)
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-6)


def test_recomputed_moments_are_those_of_all_images_under_the_weights_now():
    model, images = classifier("lstm", 1), pixels(300)
    model.recompute_moments(images)
    wanted = head(model, remembered(model, images), moments="batch")
    np.testing.assert_allclose(model(tf.constant(images)), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("described", READ, ids=["binary", "permuted", "grey", "grey permuted"])
def test_gradients_equal_those_through_keras_layers(described):
    """One training step's logits and gradients, the native core's and Keras' own layers'."""
    model, images = classifier("gru", 3, described), images_for(described)
    found = []
    for core in ("auto", "keras"):
        for layer in model.stack.recurrent_layers:
            layer.core = core
        with tf.GradientTape() as tape:
            logits = model(tf.constant(images), training=True)
            # Weights by image: the plain sum of normalised values has no gradient.
            loss = tf.reduce_sum(logits * tf.cos(tf.range(9.0))[:, None])
        found.append([logits, *tape.gradient(loss, model.trainable_variables)])
    for ours, theirs in zip(*found, strict=True):
        scale = float(tf.reduce_max(abs(theirs)))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3 * scale + 1e-6)


@NEEDS_COMPILER
@pytest.mark.parametrize("described", READ[2:], ids=["raster", "permuted"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_core_s_logits_of_grey_images_are_plain_keras(cell, described):
    """Of stock layers alone, for as many images as have a beginning that is computed once."""
    model, images = classifier(cell, 2, described), grey_pixels(64)
    assert all(layer.runs_natively() for layer in model.stack.recurrent_layers)
    ordered = images[:, reading_order(described.get("order", "raster"), 20)]
    inputs = model.inputs_of(tf.constant(images))
    assert not isinstance(inputs, Reading)  # no look-up: these are numbers
    np.testing.assert_array_equal(inputs, (ordered / 255).astype(np.float32)[..., None])
    begin_alike = native.shared_beginnings(inputs, model.stack.zero_states(64))
    assert (tf.reduce_max(begin_alike) > 0) == ("order" not in described)
    outputs = (ordered / 255).astype(np.float32)[..., None]
    for layer in model.stack.stock_layers():
        outputs = layer(outputs)
    wanted = head(model, outputs[:, -1].numpy())
    # float32, added up in another order, and a head that widens 6 values to 100
    np.testing.assert_allclose(model(tf.constant(images)), wanted, rtol=1e-4, atol=1e-4)
    size = model.pixels["rows"], model.pixels["columns"]
    stock = export_stock(model)((images / 255).astype(np.float32).reshape(-1, *size))
    np.testing.assert_allclose(stock, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("key", "other"), [("binarise", "threshold"), ("order", "raster"), ("rows", 8)]
)
def test_a_kept_model_reads_as_before_and_refuses_other_pixels(grey_sets, tmp_path, key, other):
    """Also with other_data, which takes only what was made, and is read, alike."""
    grey, path = grey_sets["test"], tmp_path / "model.keras"
    model = Classifier("gru", 4, 1, pixels=grey.identity, seed=1)
    model.save(path)
    kept = load_classifier(path, grey.identity)
    np.testing.assert_array_equal(kept.log_probs(grey.pixels), model.log_probs(grey.pixels))
    with pytest.raises(ValueError, match=f"belongs to other pixels .*{key} is .* {other!r} here"):
        load_classifier(path, grey.identity | {key: other}, other_data=True)
