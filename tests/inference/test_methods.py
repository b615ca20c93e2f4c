"""Each way to fill a hole: against tabulated joints, the exact posterior, and by hand."""

import numpy as np
import pytest
from tabulated import SIZE, all_images, conditional_table, log_joint_table, tiny_predictor

from scanline.evaluation.forecasts import scores
from scanline.holes.sets import values_at
from scanline.inference.likelihood import log_likelihoods
from scanline.inference.methods import (
    by_exact_posterior,
    by_gibbs,
    by_mcmc,
    by_nearest_image,
    by_pixel_frequencies,
    by_prefix,
    by_smc,
    log_observed_at_least,
    methods,
)
from scanline.inference.smc import smc_posterior

# float32 logits, a sum of 8 terms of a few nats each.
TOLERANCE = 1e-5
COUNT = 4


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 1, "context")


@pytest.fixture(scope="module")
def hole() -> tuple[np.ndarray, np.ndarray]:
    """pixels [6, T] and hidden [6, 4]."""
    generator = np.random.default_rng(8)
    pixels = generator.integers(0, 2, (6, SIZE)).astype(np.uint8)
    places = [np.sort(generator.choice(SIZE, COUNT, replace=False)) for _ in pixels]
    return pixels, np.array(places)


@pytest.mark.parametrize("way", ["exact", "smc"])
def test_the_posterior_is_that_of_the_table(model, hole, way):
    pixels, hidden = hole
    if way == "exact":
        found, tolerance = by_exact_posterior(model, pixels, hidden, samples=3, seed=0), TOLERANCE
    else:  # 4,096 particles, a few hundred of them effective: 5 standard errors of a share
        found, tolerance = by_smc(model, pixels, hidden, 4096, samples=3, seed=0), 0.1
    table = log_joint_table(model)
    for n, image in enumerate(pixels):
        images, joint = conditional_table(table, image, hidden[n])
        values = images[:, hidden[n]]
        p = np.exp(joint - np.logaddexp.reduce(joint))
        is_truth = (values == image[hidden[n]]).all(axis=1)
        assert found.log_prob[n] == pytest.approx(np.log(p[is_truth][0]), abs=tolerance)
        np.testing.assert_allclose(found.marginals[n], p @ values, atol=tolerance)
        assert p[(values == found.best[n]).all(axis=1)] == pytest.approx(p.max(), abs=TOLERANCE)


@pytest.mark.parametrize("way", ["exact", "smc"])
def test_samples_are_the_posterior_s(model, hole, way):
    pixels, hidden = hole
    samples = 20_000
    if way == "exact":
        found = by_exact_posterior(model, pixels, hidden, samples, seed=1)
    else:
        found = by_smc(model, pixels, hidden, 64, samples, seed=1)
    assert found.samples.shape == (6, samples, COUNT)
    # 5 standard errors of a share, which is largest at 1/2.
    assert np.abs(found.samples.mean(axis=1) - found.marginals).max() < 5 * 0.5 / np.sqrt(samples)


@pytest.mark.parametrize("way", ["mcmc", "gibbs"])
def test_chains_end_in_the_posterior(model, hole, way):
    pixels, hidden = hole
    chains = 2000
    if way == "mcmc":
        found = by_mcmc(model, pixels, hidden, 16, chains, moves=2, seed=0)
    else:
        found = by_gibbs(model, pixels, hidden, chains, sweeps=20, seed=0)
    exact = by_exact_posterior(model, pixels, hidden, samples=1, seed=0)
    assert found.samples.shape == (6, chains, COUNT)
    assert np.isnan(found.log_prob).all()
    # 5 standard errors of a share, which is largest at 1/2; the chains are independent.
    assert np.abs(found.marginals - exact.marginals).max() < 5 * 0.5 / np.sqrt(chains)
    assert (found.best == exact.best).all()


def test_the_truth_is_more_probable_where_more_is_seen_on_average(model):
    """Over all images by their own probability: the posterior's nats are the least there are."""
    pixels = all_images()
    weights = np.exp(log_joint_table(model))
    hidden = np.tile([1, 2, 5], (len(pixels), 1))
    before = by_prefix(model, pixels, hidden, samples=1, seed=0)
    given_all = by_exact_posterior(model, pixels, hidden, samples=1, seed=0)
    assert weights @ given_all.log_prob > weights @ before.log_prob + 0.01


def test_p_observed_is_at_least_that_of_the_known_completions(model, hole):
    pixels, hidden = hole
    truth = values_at(pixels, hidden)
    nats = log_likelihoods(model, pixels)
    found = smc_posterior(model, pixels, hidden, particles=3, seed=0)
    low = found._replace(log_observed=found.log_observed - 100)
    bounds = log_observed_at_least(low, nats, truth)
    exact = by_exact_posterior(model, pixels, hidden, samples=1, seed=0)
    for n in range(len(pixels)):
        known = {tuple(truth[n].tolist()): nats[n]}
        for values, each in zip(found.values[n], found.log_likelihood[n], strict=True):
            known[tuple(values.tolist())] = each
        assert bounds[n] == pytest.approx(np.log(sum(np.exp(list(known.values())))), abs=TOLERANCE)
        assert bounds[n] <= nats[n] - exact.log_prob[n] + TOLERANCE  # log p(observed)
    high = found._replace(log_observed=found.log_observed + 100)
    assert (log_observed_at_least(high, nats, truth) == high.log_observed).all()


def test_likelihoods_are_those_of_whole_images(model):
    table = log_joint_table(model)
    np.testing.assert_allclose(log_likelihoods(model, all_images()), table, atol=TOLERANCE)


def test_the_nearest_image_fills_the_hole():
    training = np.array([[0, 0, 0, 1], [1, 1, 0, 1], [1, 0, 1, 1]], np.uint8)
    pixels, hidden = np.array([[1, 1, 1, 0]], np.uint8), np.array([[1, 3]])
    found = by_nearest_image(pixels, hidden, training)
    assert found.best.tolist() == [[0, 1]]  # of the third, which has both observed pixels
    assert found.marginals.tolist() == [[0, 1]]
    assert found.samples.shape == (1, 0, 2)
    assert np.isnan(scores(found, np.array([[1, 0]]))["nats_per_hidden_pixel"])


def test_pixel_frequencies_know_no_neighbours():
    training = np.array([[1, 1, 0], [1, 0, 0]], np.uint8)
    found = by_pixel_frequencies(np.array([[0, 1, 0]], np.uint8), np.array([[0, 1]]), training)
    assert found.best.tolist() == [[1, 0]]
    np.testing.assert_allclose(found.marginals, [[3 / 4, 1 / 2]])
    assert found.log_prob[0] == pytest.approx(np.log(1 / 4 * 1 / 2))


@pytest.mark.parametrize(("exact_pixels", "posterior"), [(4, ["exact"]), (3, ["smc", "mcmc"])])
def test_every_method_says_something_of_every_hidden_pixel(model, hole, exact_pixels, posterior):
    ways = methods(
        model,
        all_images()[::3],
        COUNT,
        exact_pixels=exact_pixels,
        particles=8,
        chains=2,
        moves=3,
        sweeps=1,
        samples=5,
        seed=0,
    )
    assert list(ways) == ["prefix", *posterior, "gibbs", "nearest_image", "pixel_frequencies"]
    for forecast_of in ways.values():
        found = forecast_of(*hole)
        assert found.best.shape == found.marginals.shape == (6, COUNT)
        assert set(np.unique(found.best)) <= {0, 1}
        assert (np.abs(found.marginals - 0.5) <= 0.5 + TOLERANCE).all()
        assert (np.isnan(found.log_prob) | (found.log_prob <= TOLERANCE)).all()
