"""Ancestral samples: their distribution, their logits, their seeds."""

import numpy as np
import pytest
from tabulated import KINDS, SIZE, all_images, conditional_table, log_joint_table, tiny_predictor

from scanline.inference.ancestral import sample_completions, sample_images

CUT = 3


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request):
    return tiny_predictor(*request.param)


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
        ({"seed": -1}, "seed is -1; allowed: 0 to"),
    ],
)
def test_errors_say_what_is_allowed(changed, message):
    given = {"cut": CUT, "length": 2, "samples": 1, "seed": 0} | changed
    with pytest.raises(ValueError, match=message):
        sample_completions(tiny_predictor(), all_images()[:2], **given)
