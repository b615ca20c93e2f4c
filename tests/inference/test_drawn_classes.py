"""Completions of images whose class is not told, against the joint of classes and images."""

import numpy as np
import pytest
from tabulated import all_images, class_joint_table, labelled_predictor, number_of

from scanline.inference.ancestral import sample_completions, sample_images
from scanline.inference.drawn_classes import (
    complete_over_classes,
    draw_given,
    draw_labels,
    sample_in_turn,
    sample_of_classes,
)

DRAWS = 4000
PIXELS = np.array([[1, 0, 0, 1, 0, 1], [0, 1, 1, 0, 1, 0]], np.uint8)


@pytest.fixture(scope="module", params=[("gru", 1, "context"), ("lstm", 2, "previous")], ids=str)
def model(request):
    return labelled_predictor(*request.param)


def check_counts(counts: np.ndarray, probability: np.ndarray) -> None:
    """5 standard errors of each count, and one for those too rare to be near normal."""
    draws = counts.sum(axis=-1, keepdims=True)
    error = 5 * np.sqrt(draws * probability * (1 - probability)) + 1
    assert (np.abs(counts - draws * probability) < error).all()


@pytest.mark.parametrize("cut", [0, 2, 4])
def test_completions_are_as_frequent_as_they_are_probable(model, cut):
    length = 6 - cut
    found = complete_over_classes(model, PIXELS, cut, length, DRAWS, seed=3)
    mixture = np.exp(class_joint_table(model)).sum(axis=0)
    for n, image in enumerate(PIXELS):
        agree = (all_images(6)[:, :cut] == image[:cut]).all(axis=1)
        counts = np.bincount(number_of(found.samples[n]), minlength=2**length)
        check_counts(counts, mixture[agree] / mixture[agree].sum())


def test_log_odds_of_a_completion_are_given_its_pixels_and_no_class(model):
    found = complete_over_classes(model, PIXELS, 2, 4, 50, seed=1)
    mixture = np.log(np.exp(class_joint_table(model)).sum(axis=0))
    images = all_images(6)
    for n, image in enumerate(PIXELS):
        agree = (images[:, :2] == image[:2]).all(axis=1)
        log_prefix = np.logaddexp.reduce(mixture[agree])
        values = np.concatenate([found.samples[n], found.truth[n][None]])
        logits = np.concatenate([found.sample_logits[n], found.teacher_forced_logits[n][None]])
        log_prob = -np.logaddexp(0, (1 - 2.0 * values) * logits).sum(axis=1)
        wanted = mixture[agree][number_of(values)] - log_prefix
        np.testing.assert_allclose(log_prob, wanted, atol=1e-5)  # float32 logits
    np.testing.assert_array_equal(found.truth, PIXELS[:, 2:])


def test_a_shorter_run_is_the_beginning_of_a_longer_one(model):
    whole = complete_over_classes(model, PIXELS, 2, 4, 30, seed=1)
    part = complete_over_classes(model, PIXELS, 2, 3, 30, seed=1)
    np.testing.assert_array_equal(part.samples, whole.samples[:, :, :3])


@pytest.mark.parametrize("cut", [0, 3, 6])
def test_classes_are_drawn_given_the_pixels_before(model, cut):
    labels = draw_labels(model, PIXELS, cut, DRAWS, seed=2)
    table = np.exp(class_joint_table(model))
    for n, image in enumerate(PIXELS):
        agree = (all_images(6)[:, :cut] == image[:cut]).all(axis=1)
        by_class = table[:, agree].sum(axis=1)
        check_counts(np.bincount(labels[n], minlength=3), by_class / by_class.sum())


def test_images_of_a_class_are_as_frequent_as_they_are_probable_given_it(model):
    labels = np.arange(3 * DRAWS) % 3
    images = sample_of_classes(model, labels, seed=5)
    table = np.exp(class_joint_table(model))
    for label in range(3):
        counts = np.bincount(number_of(images[labels == label]), minlength=64)
        check_counts(counts, table[label] / table[label].sum())
        given = sample_completions(
            model.of_class(label), 0 * PIXELS[:1], 0, 6, len(labels), seed=5
        ).samples[0]
        np.testing.assert_array_equal(images[labels == label], given[labels == label])


def test_draws_of_two_classes_share_no_random_numbers(model):
    """Of pairs of completions of one image, of either class, the values are independent."""
    labels = np.array([[0] * DRAWS + [1] * DRAWS])
    drawn = draw_given(model, PIXELS[:1], 5, 1, labels, seed=0)[0, :, 0].astype(float)
    correlation = np.corrcoef(drawn[:DRAWS], drawn[DRAWS:])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(DRAWS)


def test_a_model_without_labels_is_asked_itself(model):
    of_class = model.of_class(2)
    ours = complete_over_classes(of_class, PIXELS, 2, 4, 5, seed=1)
    for found, wanted in zip(ours, sample_completions(of_class, PIXELS, 2, 4, 5, 1), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("cut", "length", "samples", "message"),
    [
        (6, 1, 5, "cut is 6; images of 6 pixels allow 0 to 5"),
        (2, 5, 5, "length is 5; from cut 2 on the image has 4 pixels"),
        (2, 4, 0, "samples is 0; allowed: 1 and above"),
    ],
)
def test_a_run_that_is_none_is_refused(model, cut, length, samples, message):
    with pytest.raises(ValueError, match=message):
        complete_over_classes(model, PIXELS, cut, length, samples, seed=0)


def test_images_are_drawn_of_all_classes_in_turn_or_of_any():
    model = labelled_predictor()
    drawn, labels = sample_in_turn(model, 7, seed=2)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    np.testing.assert_array_equal(drawn, sample_of_classes(model, labels, 2))
    plain = model.of_class(1)
    drawn, none = sample_in_turn(plain, 7, seed=2)
    assert none is None
    np.testing.assert_array_equal(drawn, sample_images(plain, 7, 6, 2))
