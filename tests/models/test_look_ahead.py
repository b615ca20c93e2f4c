"""The companion of a next-pixel model: what it reads, and that it is a distribution."""

import numpy as np
import pytest
import tensorflow as tf
from tabulated import SIZE, all_images, number_of, random_sets, tiny_look_ahead, tiny_predictor

from scanline.inference.ancestral import prefix_completions
from scanline.models.look_ahead import LookAhead, hash_of_weights, load_look_ahead
from scanline.models.saving import save_model


def log_probs(model, look_ahead, pixels, hidden) -> np.ndarray:
    """log q of the true hidden pixels, each by itself: [N, k]."""
    found = prefix_completions(model, pixels, hidden, 1, 0, look_ahead)
    return found.log_probs


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 2, "context")


@pytest.fixture(scope="module")
def look_ahead(model):
    return tiny_look_ahead(model)


@pytest.mark.parametrize("count", [1, 4, SIZE])
def test_it_sums_to_one_over_all_fillings(model, look_ahead, count):
    image, hidden = random_sets(1, count, seed=count)
    fillings = all_images(count)
    pixels = np.tile(image, (len(fillings), 1))
    places = np.tile(hidden, (len(fillings), 1))
    np.put_along_axis(pixels, places, fillings, axis=1)
    total = np.exp(log_probs(model, look_ahead, pixels, places).sum(axis=1)).sum()
    assert total == pytest.approx(1, abs=1e-5)


def test_it_differs_from_the_predictor(model, look_ahead):
    pixels, hidden = random_sets(20, 4, seed=2)
    guided = log_probs(model, look_ahead, pixels, hidden)
    alone = prefix_completions(model, pixels, hidden, 1, 0).log_probs
    assert np.abs(guided - alone).mean() > 0.1


def test_no_hidden_pixel_is_read_before_its_turn(model, look_ahead):
    """Pixel j is told by pixels before it and by observed ones; others may take any value."""
    pixels, hidden = random_sets(30, 5, seed=3)
    for j in range(5):
        changed = pixels.copy()
        later = hidden[:, j:]
        values = np.take_along_axis(pixels, later, axis=1)
        np.put_along_axis(changed, later, 1 - values, axis=1)
        before = log_probs(model, look_ahead, pixels, hidden)[:, :j]
        after = log_probs(model, look_ahead, changed, hidden)[:, :j]
        np.testing.assert_array_equal(after, before)
        own = np.exp(log_probs(model, look_ahead, pixels, hidden)[:, j])
        other = np.exp(log_probs(model, look_ahead, changed, hidden)[:, j])
        np.testing.assert_allclose(own + other, 1, atol=1e-6)


def test_observed_pixels_after_are_read(model, look_ahead):
    pixels, hidden = random_sets(30, 1, seed=4)
    hidden[:] = 1
    changed = pixels.copy()
    changed[:, SIZE - 1] ^= 1
    before = log_probs(model, look_ahead, pixels, hidden)
    assert (log_probs(model, look_ahead, changed, hidden) != before).mean() > 0.5


def test_a_beginning_agrees_by_what_was_seen_and_by_the_rows_below(model, look_ahead):
    """At pixel t of row 0: pixels before t, and row 1; not what is left of row 0."""
    pixels = all_images()
    t = 2
    outputs, _ = model.outputs(tf.constant(pixels))
    places = tf.stack([tf.range(len(pixels)), tf.fill([len(pixels)], t)], axis=1)
    window = look_ahead.window(pixels, places)
    _, below = look_ahead.observed(tf.constant(pixels), tf.zeros(pixels.shape, tf.bool))
    found = look_ahead.agreement(outputs[:, t], window, below[:, 0]).numpy()
    beginnings, rows = number_of(pixels[:, :t]), number_of(pixels[:, SIZE // 2 :])
    for beginning in range(4):
        for row in range(2 ** (SIZE // 2)):
            of_both = found[rows == row][:, beginnings == beginning]
            assert np.ptp(of_both) < 1e-5
    assert np.ptp(found, axis=0).max() > 0.1
    assert np.ptp(found, axis=1).max() > 0.1


def test_samples_have_its_frequencies(model, look_ahead):
    image, hidden = random_sets(1, 3, seed=5)
    samples = 20_000
    found = prefix_completions(model, image, hidden, samples, 0, look_ahead)
    fillings = all_images(3)
    pixels = np.tile(image, (8, 1))
    np.put_along_axis(pixels, np.tile(hidden, (8, 1)), fillings, axis=1)
    expected = np.exp(log_probs(model, look_ahead, pixels, np.tile(hidden, (8, 1))).sum(axis=1))
    count = np.bincount(number_of(found.samples[0]), minlength=8)
    error = 5 * np.sqrt(samples * expected * (1 - expected)) + 1
    assert (np.abs(count - samples * expected) < error).all()
    greedy = image.copy()
    for place in hidden[0]:  # the more probable value of each, given those before
        ones = greedy.copy()
        ones[0, place] = 1
        step = log_probs(model, look_ahead, ones, hidden)[0, list(hidden[0]).index(place)]
        greedy[0, place] = step > np.log(0.5)
    np.testing.assert_array_equal(found.greedy[0], greedy[0, hidden[0]])


def test_a_file_holds_it(model, look_ahead, tmp_path):
    path = tmp_path / "model.keras"
    save_model(look_ahead, path)
    again = load_look_ahead(path, model)
    for ours, theirs in zip(look_ahead.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.settings == look_ahead.settings


def test_agreement_is_a_scaled_product_of_what_was_seen_and_what_lies_below(look_ahead):
    rng = np.random.default_rng(7)
    width = look_ahead.of_window.kernel.shape[0]
    outputs, window, below = (rng.normal(size=(3, n)).astype(np.float32) for n in (5, width, 3))
    seen = outputs @ look_ahead.of_output.kernel.numpy()
    seen += window @ look_ahead.of_window.kernel.numpy()
    kernel, bias = (weight.numpy() for weight in look_ahead.beginning.weights)
    beginnings = np.maximum(seen, 0) @ kernel + bias
    kernel, bias = (weight.numpy() for weight in look_ahead.below.weights)
    wanted = (below @ kernel + bias) @ beginnings.T / np.sqrt(8)  # meeting units
    found = look_ahead.agreement(*map(tf.constant, (outputs, window, below)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)  # float32


def test_what_follows_a_pixel_is_observed_or_not(look_ahead):
    hidden = all_images().astype(bool)
    wanted = [[float(not row[t + 1 :].all()) for t in range(SIZE)] for row in hidden]
    np.testing.assert_array_equal(look_ahead.follows(tf.constant(hidden)), wanted)


def test_its_weights_are_called_by_what_they_read(look_ahead):
    """So does the line on a file whose weights are no numbers."""
    kernels = [w.path for w in look_ahead.weights if w.path.endswith("/kernel")]
    assert kernels == [
        "around/kernel",
        "farther/kernel",
        "upwards/gru_0/gru_cell/kernel",
        *(f"{name}/kernel" for name in ("by_column", "of_observed", "of_output", "of_window")),
        *(f"{name}/kernel" for name in ("meeting", "last", "beginning", "below")),
    ]


def test_it_is_refused_for_other_weights_than_those_it_was_trained_for(model, look_ahead, tmp_path):
    path = tmp_path / "model.keras"
    save_model(look_ahead, path)
    with pytest.raises(
        ValueError, match="of other weights than the model's; train it anew, or remove it: the"
    ):
        load_look_ahead(path, tiny_predictor("gru", 2, "context", seed=1))


def test_untrained_it_tells_what_the_predictor_does(model):
    made = LookAhead(model.settings["units"], hash_of_weights(model), model.pixels)
    pixels, hidden = random_sets(5, 4, seed=6)
    np.testing.assert_allclose(
        log_probs(model, made, pixels, hidden),
        prefix_completions(model, pixels, hidden, 1, 0).log_probs,
        atol=1e-6,
    )


def test_its_windows_see_three_pixels_around(look_ahead):
    """Two convolutions, of 5 x 5 and of 3 x 3."""
    assert [layer.kernel.shape[:2] for layer in look_ahead.around] == [(5, 5), (3, 3)]
