"""Images whose class is not told, against the whole joint distribution of classes and images."""

import numpy as np
import pytest
from tabulated import KINDS, all_images, class_joint_table, conditional_table, labelled_predictor

from scanline.inference import classes
from scanline.inference.classes import (
    class_log_probs,
    mixed_logits,
    over_classes,
    read_by_class,
)
from scanline.inference.exact import exact_posterior
from scanline.inference.likelihood import log_likelihoods

NATS = 1e-5  # float32 logits, a sum of 6 terms of a few nats each
PRIORS = [(0.2, 0.5, 0.3), (0.4, 0.0, 0.6)]


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request):
    return labelled_predictor(*request.param)


@pytest.fixture(scope="module")
def table(model):
    return class_joint_table(model)


def test_likelihoods_add_up_to_one_given_a_class_and_whatever_the_class(model):
    images = all_images(6)
    for label in range(3):
        total = np.exp(log_likelihoods(model.of_class(label), images)).sum()
        assert total == pytest.approx(1, abs=NATS)
    assert np.exp(log_likelihoods(model, images)).sum() == pytest.approx(1, abs=NATS)


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_bayes_rule_is_that_of_the_joint_distribution(prior):
    model = labelled_predictor("gru", 1, "context", prior=prior)
    table, found = class_joint_table(model), read_by_class(model, all_images(6))
    mixture = np.log(np.exp(table).sum(axis=0))
    np.testing.assert_allclose(log_likelihoods(model, all_images(6)), mixture, atol=NATS)
    posterior = np.exp(table) / np.exp(table).sum(axis=0)
    np.testing.assert_allclose(np.exp(found.class_log_probs()), posterior.T, atol=NATS)
    possible = np.exp(found.class_log_probs()).sum(axis=0) > 0
    np.testing.assert_array_equal(possible, np.array(prior) > 0)


@pytest.mark.parametrize("cut", range(7))
def test_the_first_pixels_tell_of_the_class(model, table, cut):
    images = all_images(6)
    found = read_by_class(model, images)
    numbers = np.arange(64) >> (6 - cut)  # of the prefix, the first pixel the highest digit
    by_prefix = np.stack([np.bincount(numbers, np.exp(row)) for row in table])[:, numbers]
    posterior = by_prefix / by_prefix.sum(axis=0)
    np.testing.assert_allclose(np.exp(found.class_log_probs(cut)), posterior.T, atol=NATS)
    np.testing.assert_allclose(np.exp(found.log_joint[:, :, cut]), by_prefix, atol=NATS)
    if cut < 6:
        with_ink = np.where(images[:, cut], np.exp(table).sum(axis=0), 0)
        p_ink = np.bincount(numbers, with_ink)[numbers] / by_prefix.sum(axis=0)
        mixed = 1 / (1 + np.exp(-found.mixed_logits[:, cut]))
        np.testing.assert_allclose(mixed, p_ink, atol=NATS)


@pytest.mark.parametrize("hidden", [[2], [0, 1, 3, 4], [5], [1, 4]], ids=str)
def test_the_posterior_of_a_hole_is_over_all_classes(model, table, hidden):
    mixture = np.log(np.exp(table).sum(axis=0))
    image = np.array([1, 0, 0, 1, 1, 0], np.uint8)
    images, joint = conditional_table(mixture, image, np.array(hidden))
    found = exact_posterior(model, image[None], np.array([hidden]))
    np.testing.assert_array_equal(found.completions, images[:, hidden])
    np.testing.assert_allclose(found.log_joint[0], joint, atol=NATS)
    share = np.exp(joint) / np.exp(joint).sum()
    np.testing.assert_allclose(found.marginals[0], share @ images[:, hidden], atol=NATS)
    assert found.map_completion[0].tolist() == images[joint.argmax(), hidden].tolist()
    assert found.log_observed[0] == pytest.approx(np.log(np.exp(joint).sum()), abs=NATS)


def test_images_are_read_in_parts(model, monkeypatch):
    images = all_images(6)
    whole = read_by_class(model, images)
    monkeypatch.setattr(classes, "READINGS", 3 * 10)  # ten images at a time
    found = class_log_probs(model, images, 3), mixed_logits(model, images)
    # Products of fewer sequences may add up in another order.
    for ours, wanted in zip(found, (whole.class_log_probs(3), whole.mixed_logits), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=NATS)


def test_a_model_without_labels_is_asked_itself(model):
    of_class = model.of_class(1)
    assert over_classes(of_class, lambda asked: asked) is of_class
