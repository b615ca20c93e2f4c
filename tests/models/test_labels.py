"""Next-pixel models that read labels: given one class they are models without."""

import numpy as np
import pytest
import tensorflow as tf
from native_calls import NEEDS_COMPILER, weighted_sum
from tabulated import KINDS, LABELLED, all_images, labelled_predictor

from scanline.data.pixels import PixelSet
from scanline.inference.ancestral import prefix_completions, sample_completions
from scanline.inference.smc import beam_search, smc_posterior
from scanline.models import native
from scanline.models.export import export_stock
from scanline.models.predictor import Predictor, load_predictor
from scanline.models.prior import prior_of

PIXELS = {"rows": 6, "columns": 6, "classes": 3}
BATCH = 72
LOGITS = 1e-5  # float32, sums of a few terms of size 1 in another order


def begun_alike() -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [B, 36] that are blank down to a row of their own, and labels [B]."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 2, (BATCH, 36)).astype(np.uint8)
    for row, first in enumerate(rng.integers(10, 30, BATCH)):
        pixels[row, :first] = 0
    return pixels, (np.arange(BATCH) % 3).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_model_of_a_class_gives_the_logits_of_the_one_that_is_told_the_class(kind):
    model, images = labelled_predictor(*kind), all_images(6)
    for label in range(3):
        told = model(images, np.full(64, label)).numpy()
        np.testing.assert_allclose(model.of_class(label)(images), told, rtol=0, atol=LOGITS)
    assert np.abs(model.of_class(0)(images) - model.of_class(1)(images)).max() > 0.1


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_keras_loop_gives_the_same_logits(kind):
    model, images = labelled_predictor(*kind), all_images(6)
    labels = np.arange(64) % 3
    native_ones = model(images, labels).numpy()
    model.stack.core = "keras"
    np.testing.assert_allclose(model(images, labels), native_ones, rtol=0, atol=LOGITS)
    of_class = model.of_class(2)
    assert of_class.stack.core == "keras"
    there = labels == 2
    found = of_class(images[there])
    np.testing.assert_allclose(found, native_ones[there], rtol=0, atol=LOGITS)


def test_models_of_each_class_are_one_object_and_others_than_those_of_a_class():
    model, images = labelled_predictor(), all_images(6)
    kept = model.of_class(0)
    before = kept(images).numpy()
    found = [(of_class, of_class(images).numpy()) for of_class in model.of_each_class()]
    assert len({id(of_class) for of_class, _ in found}) == 1
    for label, (_, logits) in enumerate(found):
        told = model(images, np.full(64, label)).numpy()
        np.testing.assert_allclose(logits, told, rtol=0, atol=LOGITS)
    np.testing.assert_array_equal(kept(images), before)
    assert list(kept.of_each_class()) == []


def test_the_model_of_a_class_follows_the_weights():
    model, images = labelled_predictor(), all_images(6)
    before = model.of_class(1)
    model.set_weights([2 * weight for weight in model.get_weights()])
    after = model.of_class(1)
    assert after is before
    told = model(images, np.ones(64)).numpy()
    np.testing.assert_allclose(after(images), told, rtol=0, atol=LOGITS)


@NEEDS_COMPILER
@pytest.mark.parametrize("deep", [{}, {"residual": True, "readout_units": 4}], ids=["", "deep"])
@pytest.mark.parametrize("inputs", ["previous", "context"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gradients_equal_those_of_keras_loop_where_images_begin_alike(cell, inputs, deep):
    pixels, labels = begun_alike()
    prior = (0.2, 0.5, 0.3)
    model = Predictor(cell, 7, 2, PIXELS, inputs, radius=1, prior=prior, seed=1, **deep)
    found = []
    for core in ("native", "keras"):
        model.stack.core = core
        with tf.GradientTape() as tape:
            logits = model(pixels, labels, training=True)
            loss = weighted_sum(logits)
        found.append([logits, *tape.gradient(loss, model.trainable_variables)])
    for ours, theirs in zip(*found, strict=True):
        # Sums of thousands of float32 terms through two layers, in another order.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-5 * np.abs(theirs).max())


@NEEDS_COMPILER
@pytest.mark.parametrize("inputs", ["previous", "context"])
def test_a_beginning_is_shared_within_a_class_and_by_no_two_classes(inputs):
    pixels, labels = begun_alike()
    labels[:20] = np.arange(20) % 2  # more are of class 2 than of any other
    labels[20:] = 2
    model = Predictor("gru", 7, 1, PIXELS, inputs, radius=1, prior=(0.2, 0.5, 0.3))
    reading = model.inputs_of.between(pixels, 0, 36).labelled(labels, 3)
    shared = native.shared_beginnings(reading, model.zero_states(BATCH)).numpy()
    assert not shared[labels != 2].any()
    assert shared[labels == 2].min() > 8
    dense = reading.dense().numpy()
    one = shared.argmax()
    for row in np.flatnonzero(labels == 2):
        np.testing.assert_array_equal(dense[row, : shared[row]], dense[one, : shared[row]])


def test_a_saved_model_is_the_same(tmp_path):
    model, images = labelled_predictor("lstm", 2, "context", prior=(0.25, 0.75, 0.0)), all_images(6)
    model.save(tmp_path / "model.keras")
    loaded = load_predictor(tmp_path / "model.keras", None)
    np.testing.assert_array_equal(loaded.prior, [0.25, 0.75, 0])
    np.testing.assert_array_equal(loaded.log_prior, [np.log(0.25), np.log(0.75), -np.inf])
    labels = np.arange(64) % 3
    np.testing.assert_array_equal(loaded(images, labels), model(images, labels))
    assert "prior" not in model.of_class(0).get_config()  # as files were before there were labels


def test_labels_are_given_just_where_they_are_read():
    model, images = labelled_predictor(), all_images(6)
    states = model.zero_states(64)
    for call in (
        lambda: model(images),
        lambda: model.step(images, 0, states),
        lambda: model.outputs(images),
        lambda: model.step_on(model.inputs_of.at(np.zeros((7, 64), np.uint8), 0), states),
    ):
        with pytest.raises(ValueError, match="reads labels and is given none; take a variant w"):
            call()
    with pytest.raises(ValueError, match="labels are given to a model that reads none"):
        model.of_class(0)(images, np.zeros(64))


def test_what_reads_no_labels_takes_the_model_of_a_class():
    model, pixels, hidden = labelled_predictor(), all_images(6)[:2], np.array([[1], [2]])
    for call in (
        export_stock,
        lambda model: sample_completions(model, pixels, 1, 2, 3, 0),
        lambda model: prefix_completions(model, pixels, hidden, 3, 0),
        lambda model: smc_posterior(model, pixels, hidden, 4, 0),
        lambda model: beam_search(model, pixels, hidden, 4),
    ):
        with pytest.raises(ValueError, match="reads labels and is given none; take a variant w"):
            call(model)
        call(model.of_class(1))


@pytest.mark.parametrize("label", [-1, 3, 1.5, "1"])
def test_a_class_that_is_not_there_is_refused(label):
    model = labelled_predictor()
    with pytest.raises(ValueError, match=f"label is {label}; allowed: 0 to 2"):
        model.of_class(label)
    with pytest.raises(ValueError, match=f"label is {label}; the model reads none; leave"):
        model.of_class(0).of_class(label)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ((0.5, 0.5), "prior has 2 classes and the images have 3; allowed: one prob"),
        ((0.5, 0.4, 0.2), r"prior is \[0.5, 0.4, 0.2\]; allowed: probabilities that add up to 1"),
        ((1.5, -0.5, 0.0), "allowed: probabilities"),
    ],
)
def test_a_prior_that_is_none_is_refused(prior, message):
    with pytest.raises(ValueError, match=message):
        labelled_predictor(prior=prior)


def test_a_model_is_refused_for_images_of_other_classes(tmp_path):
    labelled_predictor().save(tmp_path / "model.keras")
    path = tmp_path / "model.keras"
    assert load_predictor(path, LABELLED).classes == 3
    assert load_predictor(path, LABELLED | {"classes": 0}, other_data=True).classes == 3
    with pytest.raises(ValueError, match=r"model.keras tells 3 classes apart and these images ha"):
        load_predictor(path, LABELLED | {"classes": 4})


def test_the_prior_is_the_classes_shares_of_the_images():
    labels = np.array([0, 2, 2, 2, 0], np.uint8)
    description = LABELLED | {"classes": 4}
    images = PixelSet(np.zeros((5, 6), np.uint8), labels, description)
    assert prior_of(images) == (0.4, 0.0, 0.6, 0.0)
    with pytest.raises(ValueError, match=r"no labels, which a variant with labels: true reads; us"):
        prior_of(PixelSet(images.pixels, None, description))
