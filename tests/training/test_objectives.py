"""What is trained for, against NumPy; and which of two checkpoints is the better one."""

import numpy as np
import pytest
import tensorflow as tf
from tabulated import KINDS, SIZE, all_images, tiny_predictor

from scanline.data.pixels import PixelSet
from scanline.models.classifier import Classifier
from scanline.training import objectives
from scanline.training.objectives import CLASSIFY, PREDICT, Score

DESCRIPTION = {"rows": 2, "columns": 4, "split": "test"}


def tiny_classifier() -> Classifier:
    """A classifier whose logits differ much from class to class."""
    model = Classifier("lstm", 5, 1, pixels=DESCRIPTION)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        values = generator.normal(size=weight.shape)
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def pixel_set(pixels: np.ndarray) -> PixelSet:
    labels = np.random.default_rng(2).integers(0, 10, len(pixels)).astype(np.uint8)
    return PixelSet(pixels, labels, DESCRIPTION)


def constant_predictor(logit: float):
    """A predictor that says the same of every pixel."""
    model = tiny_predictor()
    model.set_weights([np.zeros(w.shape) for w in model.get_weights()])
    model.logit.bias.assign([logit])
    return model


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_next_pixels_are_scored_as_in_numpy(kind):
    model, images = tiny_predictor(*kind), pixel_set(all_images())
    logits = model(images.pixels).numpy().astype(np.float64)
    ink = 1 / (1 + np.exp(-logits))
    of_truth = np.where(images.pixels == 1, ink, 1 - ink)
    nats, accuracy = PREDICT.scorer(model)(images)
    np.testing.assert_allclose(nats, -np.log(of_truth).mean(axis=1), rtol=1e-5)  # float32
    np.testing.assert_allclose(accuracy, (of_truth > 0.5).mean(axis=1), rtol=1e-6)
    assert 0 < accuracy.mean() < 1


def test_by_the_probabilities_of_ink_the_mean_over_draws_costs_the_same_and_varies_less():
    """Over all images of eight pixels, each weighted by how often it is drawn."""
    model, pixels = tiny_predictor(), all_images()
    ink = np.random.default_rng(6).uniform(size=SIZE).astype(np.float32)
    shares = np.where(pixels == 1, ink, 1 - ink).prod(axis=1)
    given = model, pixels, None, True
    drawn, right = (each.numpy() for each in PREDICT.per_image(*given))
    everywhere = np.tile(ink, (len(pixels), 1))
    by_ink, same = (each.numpy() for each in PREDICT.per_image(*given, everywhere))
    mean = shares @ drawn
    assert shares @ by_ink == pytest.approx(mean, rel=1e-5)  # float32
    assert shares @ (by_ink - mean) ** 2 < shares @ (drawn - mean) ** 2
    np.testing.assert_array_equal(right, same)


def test_classes_are_scored_as_in_numpy():
    model, images = tiny_classifier(), pixel_set(all_images())
    logits = model(images.pixels).numpy().astype(np.float64)
    likelihoods = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    of_truth = likelihoods[np.arange(len(logits)), images.labels]
    nats, accuracy = CLASSIFY.scorer(model)(images)
    np.testing.assert_allclose(nats, -np.log(of_truth), rtol=1e-4, atol=1e-5)  # float32
    np.testing.assert_array_equal(accuracy, of_truth == likelihoods.max(axis=1))
    assert 0 < accuracy.mean() < 1


def test_training_s_classes_are_scored_by_the_batch_s_own_moments():
    model, images = tiny_classifier(), pixel_set(all_images()[:32])
    logits = model(tf.constant(images.pixels), training=True).numpy().astype(np.float64)
    of_truth = logits[np.arange(32), images.labels]
    nats, _ = CLASSIFY.per_image(model, images.pixels, images.labels, training=True)
    wanted = np.log(np.exp(logits).sum(axis=1)) - of_truth
    np.testing.assert_allclose(nats, wanted, rtol=1e-4, atol=1e-5)  # float32
    other, _ = CLASSIFY.per_image(model, images.pixels, images.labels, training=False)
    assert np.abs(nats - other).max() > 0.01


def test_a_certain_and_wrong_prediction_costs_its_log_odds_and_not_infinity():
    pixels = np.stack([np.zeros(SIZE, np.uint8), np.ones(SIZE, np.uint8)])
    for logit, wrong in ((200.0, 0), (-200.0, 1)):
        nats, accuracy = PREDICT.scorer(constant_predictor(logit))(pixel_set(pixels))
        assert nats[wrong] == 200
        assert nats[1 - wrong] < 1e-30
        assert (accuracy[wrong], accuracy[1 - wrong]) == (0, 1)


def test_log_odds_of_zero_say_paper():
    images = pixel_set(all_images())
    nats, accuracy = PREDICT.scorer(constant_predictor(0.0))(images)
    np.testing.assert_allclose(nats, np.log(2), rtol=1e-6)
    np.testing.assert_array_equal(accuracy, (images.pixels == 0).mean(axis=1))


@pytest.mark.parametrize("count", [1, 255, 256, 257, 515])
def test_a_split_of_any_size_is_scored_image_by_image(count):
    """In batches of 256, of which the last may be smaller."""
    assert objectives.EVALUATION_BATCH == 256
    model = tiny_predictor()
    pixels = np.random.default_rng(3).integers(0, 2, (count, SIZE)).astype(np.uint8)
    nats, accuracy = PREDICT.scorer(model)(pixel_set(pixels))
    assert nats.shape == accuracy.shape == (count,)
    logits = model(pixels).numpy().astype(np.float64)
    wanted = np.logaddexp(0, (1 - 2.0 * pixels) * logits).mean(axis=1)
    np.testing.assert_allclose(nats, wanted, rtol=1e-5)  # float32


def test_a_score_is_the_mean_in_double_precision():
    """A sum of ten million in float32 stands still at 2**24 * 0.1."""
    values = np.full(10_000_000, 0.1, np.float32)
    score = Score.of(values, np.array([1, 0, 0, 0], np.float32))
    assert score.nats == pytest.approx(float(np.float32(0.1)), rel=1e-9)
    assert score.accuracy == 0.25


BEST = Score(nats=0.5, accuracy=0.8)


@pytest.mark.parametrize(
    ("score", "as_classifier", "as_predictor"),
    [
        (Score(0.4, 0.9), True, True),
        (Score(0.6, 0.9), True, False),  # a classifier's accuracy comes first
        (Score(0.4, 0.7), False, True),
        (Score(0.6, 0.7), False, False),
        (Score(0.4, 0.8), True, True),  # equal accuracies: the nats tell
        (Score(0.6, 0.8), False, False),
        (Score(0.5, 0.9), True, False),  # equal nats: a predictor's earlier one stays
        (Score(0.5, 0.7), False, False),
        (Score(0.5, 0.8), False, False),  # a tie in both: the earlier one
        (Score(float("nan"), 0.8), False, False),
    ],
)
def test_the_better_of_two_checkpoints(score, as_classifier, as_predictor):
    assert CLASSIFY.is_better(score, BEST) is as_classifier
    assert PREDICT.is_better(score, BEST) is as_predictor


def test_a_score_is_found_among_the_values_of_a_curve():
    values = {"nats": 0.3, "nats_per_pixel": 0.1, "accuracy": 0.9}
    assert PREDICT.score_in(values) == Score(0.1, 0.9)
    assert CLASSIFY.score_in(values) == Score(0.3, 0.9)


def test_the_first_checkpoint_is_the_best_so_far():
    for objective in (CLASSIFY, PREDICT):
        assert objective.is_better(Score(9.0, 0.0), None)
