"""What a forecast is worth, against loops over images and pixels."""

import math

import numpy as np
import pytest

from scanline.evaluation.forecasts import (
    BINS,
    digit_accuracy,
    mean_over_samples,
    reliability,
    scores,
)
from scanline.inference.forecast import Forecast


@pytest.fixture
def truth():
    return np.random.default_rng(1).integers(0, 2, (7, 5)).astype(np.uint8)


@pytest.fixture
def forecast(truth):
    generator = np.random.default_rng(2)
    best = truth.copy()
    best[2:, 1] ^= generator.integers(0, 2, 5).astype(np.uint8)
    return Forecast(
        best=best,
        marginals=generator.random((7, 5)),
        samples=np.zeros((7, 0, 5), np.uint8),
        log_prob=-generator.random(7),
    )


def test_scores_equal_loops(forecast, truth):
    pixels = whole = marginal = brier = nats = 0.0
    for n in range(7):
        whole += all(forecast.best[n, j] == truth[n, j] for j in range(5)) / 7
        nats -= forecast.log_prob[n] / 5 / 7
        for j in range(5):
            pixels += (forecast.best[n, j] == truth[n, j]) / 35
            marginal += (forecast.marginals[n, j] > 0.5) == bool(truth[n, j])
            brier += (forecast.marginals[n, j] - truth[n, j]) ** 2 / 35
    found = scores(forecast, truth)
    assert found == pytest.approx(
        {
            "nats_per_hidden_pixel": nats,
            "map_pixel_accuracy": pixels,
            "map_whole_accuracy": whole,
            "marginal_pixel_accuracy": marginal / 35,
            "brier": brier,
        }
    )


def test_the_truth_as_a_forecast_is_perfect(truth):
    perfect = Forecast(truth, truth.astype(float), truth[:, None], np.zeros(7))
    found = scores(perfect, truth)
    assert found["brier"] == found["nats_per_hidden_pixel"] == 0
    assert found["map_whole_accuracy"] == found["marginal_pixel_accuracy"] == 1


def test_no_probability_no_nats(forecast, truth):
    unknown = np.full(7, np.nan)
    assert math.isnan(scores(forecast._replace(log_prob=unknown), truth)["nats_per_hidden_pixel"])


def test_reliability_equals_a_loop_over_the_bins(forecast, truth):
    marginals = forecast.marginals.copy()
    marginals[0] = [0, 1, 0.1, 0.3, 1]  # ends of bins: 0.3 * 10 is 3 in float64
    table = reliability(marginals, truth)
    lines = {round(line.low * BINS): line for line in table.itertuples()}
    assert table["n_pixels"].sum() == truth.size
    for place in range(BINS):
        last = place == BINS - 1
        inside = [
            (p, pixel)
            for p, pixel in zip(marginals.ravel(), truth.ravel(), strict=True)
            if place <= p * BINS < place + 1 or (last and p == 1)
        ]
        assert (place in lines) == bool(inside)
        if inside:
            line = lines[place]
            assert line.n_pixels == len(inside)
            assert line.high == pytest.approx((place + 1) / BINS)
            assert line.p_ink == pytest.approx(sum(p for p, _ in inside) / len(inside))
            assert line.ink == pytest.approx(sum(int(x) for _, x in inside) / len(inside))


def test_reliability_is_told_by_tenths():
    table = reliability(np.array([[0.04, 0.55, 0.99]]), np.array([[0, 1, 1]]))
    np.testing.assert_allclose(table["low"], [0, 0.5, 0.9])
    np.testing.assert_allclose(table["high"], [0.1, 0.6, 1])


def test_a_digit_is_read_where_its_class_is_the_most_probable():
    log_probs = np.log([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]])
    assert digit_accuracy(log_probs, np.array([0, 2, 0, 2])) == 0.75


def test_the_class_of_several_samples_is_by_their_mean_probability():
    p = np.array([[[0.9, 0.1, 0.0], [0.2, 0.4, 0.4], [0.1, 0.5, 0.4]], [[0.3, 0.3, 0.4]] * 3])
    with np.errstate(divide="ignore"):
        found = mean_over_samples(np.log(p))
    np.testing.assert_allclose(np.exp(found), [[0.4, 1 / 3, 4 / 15], [0.3, 0.3, 0.4]])
