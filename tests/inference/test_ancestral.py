"""Ancestral samples and prefix completions against a tabulated joint distribution."""

import numpy as np
import pytest
from tabulated import (
    SIZE,
    all_images,
    conditional_table,
    log_joint_table,
    random_sets,
    tiny_predictor,
)

from scanline.inference import ancestral as module
from scanline.inference.ancestral import (
    prefix_completions,
    sample_completions,
    sample_images,
)

CUT = 3
# float32 logits, a sum of 8 terms of a few nats each.
TOLERANCE = 1e-5


def images_and_samples(model, samples=4, seed=3, length=SIZE - CUT):
    images = np.random.default_rng(0).integers(0, 2, (3, SIZE)).astype(np.uint8)
    return images, sample_completions(model, images, CUT, length, samples, seed)


def test_logits_are_those_of_the_completed_images(model):
    images, done = images_and_samples(model)
    whole = np.repeat(images, 4, axis=0)
    whole[:, CUT:] = done.samples.reshape(12, -1)
    # 1e-5: float32, the same sums in another order.
    np.testing.assert_allclose(
        done.sample_logits.reshape(12, -1), model(whole).numpy()[:, CUT:], atol=1e-5
    )
    np.testing.assert_allclose(
        done.teacher_forced_logits, model(images).numpy()[:, CUT:], atol=1e-5
    )
    assert (done.truth == images[:, CUT:]).all()


def test_the_truth_after_the_cut_does_not_reach_the_samples(model):
    images, done = images_and_samples(model)
    images[:, CUT:] = 1 - images[:, CUT:]
    again = sample_completions(model, images, CUT, SIZE - CUT, 4, 3)
    assert (again.samples == done.samples).all()


def test_a_shorter_run_is_the_beginning_of_a_longer_one(model):
    _, long = images_and_samples(model)
    _, short = images_and_samples(model, length=2)
    assert (short.samples == long.samples[..., :2]).all()


def test_frequencies_are_the_probabilities():
    model = tiny_predictor("gru", 2, "context")
    table = log_joint_table(model)
    image = all_images()[77]
    draws = 4000
    done = sample_completions(model, image[None], CUT, SIZE - CUT, draws, seed=1)
    images, joint = conditional_table(table, image, np.arange(CUT, SIZE))
    probability = np.exp(joint - np.logaddexp.reduce(joint))
    number = 1 << np.arange(SIZE - CUT)[::-1]
    count = np.bincount(done.samples[0] @ number.astype(int), minlength=len(images))
    # 5 standard errors of each frequency, and one count for those too rare to be near normal.
    error = 5 * np.sqrt(draws * probability * (1 - probability)) + 1
    assert (np.abs(count - draws * probability) < error).all()


def test_whole_images_follow_the_joint_distribution():
    model = tiny_predictor("lstm", 1, "previous")
    ink = np.exp(log_joint_table(model)) @ all_images()
    drawn = sample_images(model, 3000, SIZE, seed=5)
    error = 5 * np.sqrt(ink * (1 - ink) / 3000)
    assert (np.abs(drawn.mean(axis=0) - ink) < error).all()


def test_the_seed_decides(model):
    _, first = images_and_samples(model, samples=20)
    _, same = images_and_samples(model, samples=20)
    _, other = images_and_samples(model, samples=20, seed=4)
    assert (first.samples == same.samples).all()
    assert (first.sample_logits == same.sample_logits).all()
    assert (first.samples != other.samples).any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cut": SIZE}, "cut is 8; images of 8 pixels allow 0 to 7"),
        ({"length": 6}, "length is 6; from cut 3 on the image has 5 pixels: allowed are 1 to 5"),
        ({"length": 0}, "length is 0"),
        ({"samples": 0}, "samples is 0; allowed: 1 and above"),
        ({"seed": -1}, "seed is -1; allowed: 0 to 2147483647"),
        ({"seed": 2**31}, "seed is 2147483648; allowed: 0 to 2147483647"),
    ],
)
def test_errors_say_what_is_allowed(changed, message):
    given = {"cut": CUT, "length": 2, "samples": 1, "seed": 0} | changed
    with pytest.raises(ValueError, match=message):
        sample_completions(tiny_predictor(), all_images()[:2], **given)


@pytest.fixture(scope="module")
def table(model):
    return log_joint_table(model)


def p_ink(table: np.ndarray, before: np.ndarray) -> float:
    """p(the next pixel is ink | pixels ``before`` it), by summing the table."""
    images = all_images()
    agree = (images[:, : len(before)] == before).all(axis=1)
    mass = np.exp(table)
    return mass[agree & (images[:, len(before)] == 1)].sum() / mass[agree].sum()


def test_log_probs_are_the_true_pixels_given_all_true_ones_before(model, table):
    pixels, hidden = random_sets(6, 4, seed=1)
    found = prefix_completions(model, pixels, hidden, samples=1, seed=0)
    for n, image in enumerate(pixels):
        for j, t in enumerate(hidden[n]):
            p = p_ink(table, image[:t])
            wanted = np.log(p if image[t] else 1 - p)
            assert found.log_probs[n, j] == pytest.approx(wanted, abs=TOLERANCE)


def test_greedy_takes_the_more_probable_value_pixel_by_pixel(model, table):
    pixels, hidden = random_sets(6, 4, seed=2)
    found = prefix_completions(model, pixels, hidden, samples=3, seed=0)
    for n, image in enumerate(pixels):
        filled = image.copy()
        for t in hidden[n]:
            filled[t] = p_ink(table, filled[:t]) > 0.5
        assert found.greedy[n].tolist() == filled[hidden[n]].tolist()


def test_samples_and_marginals_are_of_what_lies_before(model, table):
    samples = 20_000
    pixels = np.array([[1, 0, 1, 1, 0, 0, 1, 0]], np.uint8)
    hidden = np.array([[1, 2, 5]])
    found = prefix_completions(model, pixels, hidden, samples, seed=5)
    wanted: dict[tuple[int, ...], float] = {}
    for values in all_images(3):
        image, p = pixels[0].copy(), 1.0
        image[hidden[0]] = values
        for t in hidden[0]:
            ink = p_ink(table, image[:t])
            p *= ink if image[t] else 1 - ink
        wanted[tuple(values.tolist())] = p
    drawn, counts = np.unique(found.samples[0], axis=0, return_counts=True)
    shares = dict(zip(map(tuple, drawn.tolist()), counts / samples, strict=True))
    marginals = np.zeros(3)
    for values, p in wanted.items():
        # 5 standard errors of a share of independent draws.
        assert abs(shares.get(values, 0) - p) <= 5 * np.sqrt(p * (1 - p) / samples)
        marginals += p * np.array(values)
    # The mean over samples of a probability varies less than that of the pixels themselves.
    error = 5 * np.sqrt(marginals * (1 - marginals) / samples) + TOLERANCE
    assert (np.abs(found.marginals[0] - marginals) <= error).all()


def test_what_lies_after_and_hidden_values_have_no_say():
    model = tiny_predictor("gru", 1, "context")
    pixels, hidden = random_sets(5, 2, seed=3)
    last = hidden.max(axis=1)
    other = pixels.copy()
    for n in range(len(other)):
        other[n, last[n] :] ^= 1
        other[n, hidden[n]] ^= 1
    one = prefix_completions(model, pixels, hidden, samples=4, seed=1)
    two = prefix_completions(model, other, hidden, samples=4, seed=1)
    assert (one.samples == two.samples).all()
    assert (one.greedy == two.greedy).all()
    assert (one.marginals == two.marginals).all()


def test_groups_of_images_change_nothing_but_the_draws(monkeypatch):
    model = tiny_predictor()
    pixels, hidden = random_sets(7, 3, seed=4)
    whole = prefix_completions(model, pixels, hidden, samples=3, seed=1)
    assert (prefix_completions(model, pixels, hidden, samples=3, seed=1).samples
            == whole.samples).all()  # fmt: skip
    monkeypatch.setattr(module, "ROWS", 8)  # two images at a time
    parts = prefix_completions(model, pixels, hidden, samples=3, seed=1)
    assert (parts.greedy == whole.greedy).all()
    np.testing.assert_allclose(parts.log_probs, whole.log_probs, atol=TOLERANCE)
    assert parts.samples.shape == (7, 3, 3)


def test_every_seed_of_31_bits_is_taken():
    drawn = [
        sample_completions(tiny_predictor(), all_images()[:9], 0, SIZE, 4, seed).samples.tobytes()
        for seed in (0, 1, 2**31 - 1)
    ]
    assert len(set(drawn)) == 3


def test_seeds_of_more_than_31_bits_are_told_apart():
    model = tiny_predictor()
    pixels, hidden = random_sets(3, 4, seed=4)
    drawn = [
        prefix_completions(model, pixels, hidden, samples=9, seed=seed).samples.tobytes()
        for seed in (1, 1 + 2**32, 1 + 2**40)
    ]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("hidden", "samples", "message"),
    [
        ([[1, 8]], 1, "hidden has the pixel 8, outside the image; allowed: 0 to 7"),
        ([[]], 1, "hidden is empty: no pixel is hidden"),
        ([[1]], 0, "samples is 0; allowed: 1 and above"),
    ],
)
def test_errors_of_prefix_completions_say_what_is_allowed(hidden, samples, message):
    with pytest.raises(ValueError, match=message):
        prefix_completions(
            tiny_predictor(), np.zeros((1, SIZE), np.uint8), np.array(hidden, int), samples, 0
        )
