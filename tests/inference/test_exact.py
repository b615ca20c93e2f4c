"""The exact posterior against a tabulated joint distribution."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tabulated import (
    SIZE,
    all_images,
    conditional_table,
    log_joint_table,
    random_sets,
    tiny_predictor,
)

from scanline.holes.sets import filled, values_at
from scanline.inference import exact as module
from scanline.inference import likelihood
from scanline.inference.exact import all_completions, exact_posterior, normalised
from scanline.study.config import SCHEMA

# float32 logits, a sum of 8 terms of a few nats each.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def table(model):
    return log_joint_table(model)


def check(found, table, pixels, hidden):
    """Every field of a posterior against the table."""
    for n, image in enumerate(pixels):
        images, joint = conditional_table(table, image, hidden[n])
        # The table's images count upwards, and so do completions.
        assert (images[:, hidden[n]] == found.completions).all()
        np.testing.assert_allclose(found.log_joint[n], joint, atol=TOLERANCE)
        observed = np.logaddexp.reduce(joint)
        p = np.exp(joint - observed)
        np.testing.assert_allclose(found.log_observed[n], observed, atol=TOLERANCE)
        np.testing.assert_allclose(np.exp(found.log_posterior[n]), p, atol=TOLERANCE)
        np.testing.assert_allclose(found.marginals[n], p @ images[:, hidden[n]], atol=TOLERANCE)
        np.testing.assert_allclose(found.entropy[n], -(p * np.log(p)).sum(), atol=TOLERANCE)
        assert found.log_joint[n, found.map_index[n]] == found.log_joint[n].max()


@pytest.mark.parametrize("count", [1, 2, 3, 5, SIZE])
def test_equals_the_tabulated_joint(model, table, count):
    pixels, hidden = random_sets(7, count, seed=count)
    check(exact_posterior(model, pixels, hidden), table, pixels, hidden)


@pytest.mark.parametrize("places", [[0], [SIZE - 1], [0, SIZE - 1], [0, 1], [SIZE - 2, SIZE - 1]])
def test_first_and_last_pixels(model, table, places):
    pixels, _ = random_sets(4, 1, seed=9)
    hidden = np.tile(places, (4, 1))
    check(exact_posterior(model, pixels, hidden), table, pixels, hidden)


def test_small_batches_and_groups_change_nothing(monkeypatch):
    model = tiny_predictor("lstm", 2, "context")
    pixels, hidden = random_sets(9, 4, seed=2)
    expected = exact_posterior(model, pixels, hidden)
    monkeypatch.setattr(module, "ROWS", 5)
    monkeypatch.setattr(module, "GROUP", 2)
    monkeypatch.setattr(likelihood, "STEPS_IN_MEMORY", 10)
    check(exact_posterior(model, pixels, hidden), log_joint_table(model), pixels, hidden)
    np.testing.assert_allclose(
        exact_posterior(model, pixels, hidden).log_joint, expected.log_joint, atol=TOLERANCE
    )


@pytest.fixture(scope="module")
def gru():
    model = tiny_predictor("gru", 1, "previous", seed=4)
    return model, log_joint_table(model)


@settings(max_examples=25, derandomize=True)
@given(data=st.data())
def test_any_hidden_sets_of_any_images(gru, data):
    model, joint = gru
    count = data.draw(st.integers(1, SIZE))
    places = st.lists(st.integers(0, SIZE - 1), min_size=count, max_size=count, unique=True)
    drawn = data.draw(st.lists(st.tuples(st.integers(0, 255), places), min_size=1, max_size=4))
    pixels = all_images()[[number for number, _ in drawn]]
    hidden = np.array([sorted(each) for _, each in drawn])
    check(exact_posterior(model, pixels, hidden), joint, pixels, hidden)


def test_hidden_values_are_not_read(model):
    pixels, hidden = random_sets(5, 3, seed=1)
    flipped = filled(pixels, hidden, 1 - values_at(pixels, hidden))
    found = exact_posterior(model, pixels, hidden)
    assert (found.log_joint == exact_posterior(model, flipped, hidden).log_joint).all()


def test_nothing_hidden_is_the_likelihood(model, table):
    pixels = all_images()[::16]
    found = exact_posterior(model, pixels, np.zeros((16, 0), int))
    np.testing.assert_allclose(found.log_joint[:, 0], table[::16], atol=TOLERANCE)
    assert (found.log_posterior == 0).all()
    assert (found.entropy == 0).all()
    assert (filled(pixels, found.hidden, found.map_completion) == pixels).all()


def test_all_images_add_up_to_one(model):
    found = exact_posterior(model, np.zeros((1, SIZE), np.uint8), np.arange(SIZE)[None])
    assert found.log_observed[0] == pytest.approx(0, abs=TOLERANCE)


def test_observed_pixels_never_change(model):
    pixels, hidden = random_sets(6, 4, seed=6)
    found = exact_posterior(model, pixels, hidden)
    image = filled(pixels, hidden, found.map_completion)
    changed = image != pixels
    np.put_along_axis(changed, hidden, False, axis=1)
    assert not changed.any()


def test_ranks_count_the_more_probable_completions():
    log_joint = np.log([[0.1, 0.4, 0.3, 0.2], [0.25, 0.25, 0.4, 0.1]])
    found = normalised(np.array([[0, 1], [2, 5]]), log_joint)
    assert found.rank_of(np.array([[1, 1], [0, 1]])).tolist() == [2, 1]
    assert found.map_completion.tolist() == [[0, 1], [1, 0]]
    assert found.index_of(np.array([[1, 0], [1, 1]])).tolist() == [2, 3]


def test_an_impossible_completion_has_no_entropy():
    found = normalised(np.array([[3]]), np.array([[-5.0, -np.inf]]))
    assert found.entropy.tolist() == [0]
    assert found.marginals.tolist() == [[0]]


def test_completions_count_upwards():
    assert all_completions(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert all_completions(0).shape == (1, 0)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([[1, 8]], "hidden has the pixel 8, outside the image; allowed: 0 to 7"),
        ([[2, 1]], r"hidden of image 0 is \[2, 1\]; allowed: .* ascending"),
        ([[2, 2]], "none of them twice"),
        ([[-1]], "hidden has the pixel -1, outside the image"),
        ([[1], [2]], r"hidden has shape \(2, 1\) and pixels \(1, 8\)"),
    ],
)
def test_errors_say_what_is_allowed(hidden, message):
    with pytest.raises(ValueError, match=message):
        exact_posterior(tiny_predictor(), np.zeros((1, SIZE), np.uint8), np.array(hidden))


def test_the_number_of_completions_is_limited():
    pixels, hidden = np.zeros((1, 20), np.uint8), np.arange(17)[None]
    with pytest.raises(
        ValueError, match=r"marks 17 pixels, so 2\*\*17 completions; the limit is 16"
    ):
        exact_posterior(tiny_predictor(), pixels, hidden)


def test_the_config_allows_what_can_be_enumerated():
    schema = yaml.safe_load(SCHEMA.read_text())
    posterior = schema["properties"]["posterior"]["properties"]
    assert posterior["exact_pixels"]["maximum"] == module.MAX_ENUMERATED
