"""What a look-ahead is trained for: nats of hidden pixels, and which beginning is an image's."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from recipes import arguments_of
from small_digits import save_sets
from tabulated import SIZE, random_sets, tiny_look_ahead, tiny_predictor

from scanline.data.pixels import PixelSet
from scanline.inference.ancestral import prefix_completions
from scanline.models.look_ahead import LookAhead, hash_of_weights, load_look_ahead
from scanline.models.predictor import Predictor
from scanline.models.saving import save_model
from scanline.training import look_ahead as module
from scanline.training.look_ahead import HIDDEN, objective_of
from scanline.training.objectives import Score
from train_look_ahead import train_look_ahead

COUNT = 4


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 1, "context")


@pytest.fixture(scope="module")
def look_ahead(model):
    return tiny_look_ahead(model, spread=0.5)


def marked(pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Pixels as the objective takes them: HIDDEN is added to those at ``hidden``."""
    found = pixels.copy()
    values = np.take_along_axis(pixels, hidden, axis=1) + HIDDEN
    np.put_along_axis(found, hidden, values.astype(np.uint8), axis=1)
    return found


def test_nats_are_those_of_the_hidden_pixels(model, look_ahead):
    pixels, hidden = random_sets(20, COUNT, seed=0)
    given = tf.constant(marked(pixels, hidden))
    nats, right = objective_of(model).per_image(look_ahead, given, None, training=False)
    expected = prefix_completions(model, pixels, hidden, 1, 0, look_ahead).log_probs
    np.testing.assert_allclose(nats * SIZE, -expected.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(right, (expected > np.log(0.5)).mean(axis=1), atol=1e-6)


def test_the_pixels_that_training_leaves_out_change_no_mean():
    """Many copies of an image, of whose hidden pixels each copy takes others, where one is sure."""
    copies = 4096
    model = tiny_predictor("gru", 1, "context", spread=4)
    look_ahead = tiny_look_ahead(model)
    pixels, hidden = random_sets(1, COUNT, seed=1)
    given = tf.constant(np.repeat(marked(pixels, hidden), copies, axis=0))
    objective = objective_of(model)
    expected = objective.per_image(look_ahead, given[:1], None, training=False)
    told = objective.per_image(look_ahead, given, None, training=True)
    for values, (mean,) in zip(told, expected, strict=True):  # nats, and the share that is right
        found = values.numpy()
        assert found.std() > 0.1 * mean  # some are left out
        assert abs(found.mean() - mean) < 5 * found.std() / np.sqrt(copies)


def test_the_contrast_trains_what_tells_beginnings_apart(model, look_ahead):
    pixels, hidden = random_sets(64, COUNT, seed=2)
    given = tf.constant(marked(pixels, hidden))
    with tf.GradientTape() as tape:
        nats, _ = objective_of(model).per_image(look_ahead, given, None, training=True)
        loss = tf.reduce_mean(nats)
    weights = [look_ahead.beginning.kernel, look_ahead.below.kernel, look_ahead.last.kernel]
    assert all(float(tf.norm(each)) > 0 for each in tape.gradient(loss, weights))


def test_the_contrast_is_that_of_an_image_s_own_beginning_among_all(model, look_ahead):
    """By loops over eight drawn steps, and weighted by 0.03 in what is trained for."""
    count = 6
    pixels, hidden = random_sets(count, COUNT, seed=3)
    given = marked(pixels, hidden)
    seed = tf.constant([given.sum(dtype=np.int32), count])
    steps = tf.random.stateless_uniform([8], seed + 1, 0, SIZE, tf.int32).numpy()
    weights = [look_ahead.beginning.kernel, look_ahead.below.kernel]
    with tf.GradientTape(persistent=True) as tape:
        outputs, _ = model.outputs(tf.constant(pixels))
        _, below = look_ahead.observed(tf.constant(pixels), tf.constant(given >= HIDDEN))
        costs = []
        for t in steps:
            window = look_ahead.window(pixels, tf.constant([(n, t) for n in range(count)]))
            agreed = look_ahead.agreement(outputs[:, t], window, below[:, t // look_ahead.columns])
            costs += [tf.reduce_logsumexp(agreed[n]) - agreed[n, n] for n in range(count)]
        wanted = 0.03 * tf.add_n(costs) / len(costs)
        nats, _ = objective_of(model).per_image(look_ahead, tf.constant(given), None, True)
        found = tf.reduce_mean(nats)
    for ours, theirs in zip(
        tape.gradient(found, weights), tape.gradient(wanted, weights), strict=True
    ):
        largest = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3 * largest)  # float32
        assert largest > 1e-5


def test_the_contrast_s_value_is_left_out_of_the_nats(model, look_ahead, monkeypatch):
    given = tf.constant(marked(*random_sets(9, COUNT, seed=3)))
    found, _ = objective_of(model).per_image(look_ahead, given, None, training=True)
    monkeypatch.setattr(module, "CONTRAST", 0.0)
    wanted, _ = objective_of(model).per_image(look_ahead, given, None, training=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)  # float32


def test_a_step_s_holes_are_its_own_and_drawn_again_alike(model):
    objective, pixels = objective_of(model), np.zeros((50, SIZE), np.uint8)
    first = objective.given(pixels, 1, 7)
    assert set(np.unique(first)) == {0, HIDDEN}
    np.testing.assert_array_equal(objective.given(pixels, 1, 7), first)
    assert (objective.given(pixels, 1, 8) != first).any()
    assert (objective.given(pixels, 2, 7) != first).any()


def test_it_learns_from_the_model_s_own_images(tmp_path, pixel_sets):
    """Of the data only the number of images counts, and what they are said to be."""
    predictor = Predictor("gru", 4, 1, pixel_sets["train"].identity, seed=1)
    save_model(predictor, tmp_path / "model.keras")
    sizes = dict(meeting_units=4, row_units=3, features=2, radius=1)
    weights = []
    for name, flip in (("given", 0), ("flipped", 1)):
        folder = tmp_path / name
        folder.mkdir()
        save_sets(folder, {k: replace(v, pixels=v.pixels ^ flip) for k, v in pixel_sets.items()})
        train_look_ahead(
            model=tmp_path / "model.keras",
            train=folder / "train.npz",
            validation=folder / "validation.npz",
            out=folder,
            checkpoints=folder / "checkpoints",
            **arguments_of("train_look_ahead", epochs=1, batch_size=8, **sizes),
        )
        weights.append(load_look_ahead(folder / "model.keras", predictor).get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    untrained = LookAhead(4, hash_of_weights(predictor), predictor.pixels, **sizes, seed=1)
    assert (
        untrained.of_window.kernel.numpy()
        != load_look_ahead(folder / "model.keras", predictor).of_window.kernel.numpy()
    ).any()


def test_the_better_checkpoint_has_fewer_nats(model):
    assert objective_of(model).is_better(Score(0.4, 0.7), Score(0.5, 0.8))


def test_it_must_beat_the_model_alone(model):
    """Of the holes that a scoring draws; p alone is what an untrained look-ahead gives."""
    objective = objective_of(model)
    held_out = PixelSet(random_sets(30, 1, seed=4)[0], None, model.pixels)
    rival, plain = objective.to_beat(held_out, held_out)
    assert rival == "the next-pixel model alone"
    hidden = objective.given(held_out.pixels, 0) >= HIDDEN
    logits = model(held_out.pixels).numpy().astype(float)
    nats = np.logaddexp(0, (1 - 2.0 * held_out.pixels) * logits)
    expected = (nats * hidden).sum(axis=1) / SIZE
    assert plain.nats == pytest.approx(expected.mean(), abs=1e-6)
