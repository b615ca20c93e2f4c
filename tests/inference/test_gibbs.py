"""Gibbs sampling against the exact posterior of small images."""

import numpy as np
import pytest
from tabulated import (
    check_frequencies,
    check_likelihoods,
    log_joint_table,
    number_of,
    random_sets,
    tiny_predictor,
)

from scanline.inference.exact import exact_posterior
from scanline.inference.gibbs import gibbs_posterior
from scanline.inference.smc import smc_posterior

CHAINS = 1500


def test_sweeps_reach_the_posterior():
    model = tiny_predictor("lstm", 1, "context")
    pixels, hidden = random_sets(2, 3, seed=3)
    exact = exact_posterior(model, pixels, hidden)
    found = gibbs_posterior(model, pixels, hidden, CHAINS, 0, sweeps=40)
    check_frequencies(found.values, exact.log_posterior)


def test_likelihoods_are_those_of_the_completed_images(model):
    pixels, hidden = random_sets(2, 5, seed=5)
    found = gibbs_posterior(model, pixels, hidden, 4, 1, sweeps=2)
    check_likelihoods(model, pixels, hidden, found)
    np.testing.assert_allclose(np.exp(found.log_weights), 0.25)


def test_the_seed_decides(model):
    pixels, hidden = random_sets(2, 5, seed=5)
    first, again, other = (
        gibbs_posterior(model, pixels, hidden, 6, seed, sweeps=1).values for seed in (2, 2, 3)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_without_sweeps_chains_are_drawn_given_the_pixels_before(model):
    pixels, hidden = random_sets(2, 3, seed=5)
    found = gibbs_posterior(model, pixels, hidden, 6, 4, sweeps=0)
    begun = smc_posterior(model, np.repeat(pixels, 6, 0), np.repeat(hidden, 6, 0), 1, 4)
    assert (found.values.reshape(12, 3) == begun.values[:, 0]).all()


def test_nothing_hidden_is_the_likelihood(model):
    pixels, hidden = random_sets(2, 0, seed=0)
    found = gibbs_posterior(model, pixels, hidden, 2, 0, sweeps=3)
    expected = log_joint_table(model)[number_of(pixels)]
    # float32 logits, a sum of 8 terms of a few nats each.
    np.testing.assert_allclose(found.log_likelihood, np.tile(expected[:, None], 2), atol=1e-5)


def test_sweeps_are_counted():
    pixels, hidden = random_sets(2, 2, seed=2)
    with pytest.raises(ValueError, match="sweeps is -1; allowed: 0 and above"):
        gibbs_posterior(tiny_predictor(), pixels, hidden, 1, 0, sweeps=-1)
