"""Particle Gibbs against the exact posterior of small images."""

import numpy as np
import pytest
from tabulated import (
    COLUMNS,
    COMING_APART,
    EVERY_SECOND,
    check_frequencies,
    check_likelihoods,
    random_sets,
    tiny_look_ahead,
    tiny_predictor,
)

from scanline.inference import particle_gibbs
from scanline.inference.exact import exact_posterior
from scanline.inference.particle_gibbs import refine
from scanline.inference.smc import smc_posterior

CHAINS = 1500


def started_at(found, values: np.ndarray):
    """``found`` with a single particle for each image, of ``values`` [N, k]."""
    return found._replace(values=values[:, None], log_weights=np.zeros((len(values), 1)))


@pytest.mark.parametrize("block", [1, 3, 99])
def test_a_move_leaves_the_posterior_as_it_is(model, look_ahead, block):
    """Chains that begin with exact draws are exact draws after a few moves."""
    pixels, hidden = random_sets(2, 4, seed=4)
    exact = exact_posterior(model, pixels, hidden)
    generator = np.random.default_rng(0)
    drawn = np.stack([generator.choice(16, CHAINS, p=np.exp(p)) for p in exact.log_posterior])
    begun = smc_posterior(model, pixels, hidden, CHAINS, 0)._replace(
        values=exact.completions[drawn],
        log_likelihood=np.take_along_axis(exact.log_joint, drawn, axis=1),
        log_weights=np.full((2, CHAINS), -np.log(CHAINS)),
    )
    found = refine(
        model, pixels, begun, CHAINS, 2, seed=3, block=block, particles=3, look_ahead=look_ahead
    )
    assert (found.values != begun.values).any()
    check_frequencies(found.values, exact.log_posterior)


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize(("settings", "image"), COMING_APART)
def test_a_move_with_resampling_leaves_the_posterior_as_it_is(settings, image, guided):
    model, pixels = tiny_predictor(**settings), np.array([image], np.uint8)
    look_ahead = tiny_look_ahead(model, spread=0.5) if guided else None
    hidden = EVERY_SECOND[None]
    exact = exact_posterior(model, pixels, hidden)
    drawn = np.random.default_rng(0).choice(16, CHAINS, p=np.exp(exact.log_posterior[0]))[None]
    begun = smc_posterior(model, pixels, hidden, CHAINS, 0)._replace(
        values=exact.completions[drawn],
        log_likelihood=np.take_along_axis(exact.log_joint, drawn, axis=1),
        log_weights=np.full((1, CHAINS), -np.log(CHAINS)),
    )
    found = refine(
        model, pixels, begun, CHAINS, 2, seed=3, block=4, particles=6, look_ahead=look_ahead
    )
    assert (found.values != begun.values).any()
    check_frequencies(found.values, exact.log_posterior)


def test_moves_reach_the_posterior_from_anywhere():
    model = tiny_predictor("gru", 2, "context")
    pixels, hidden = random_sets(2, 4, seed=4)
    exact = exact_posterior(model, pixels, hidden)
    begun = smc_posterior(model, pixels, hidden, 1, 0)
    worst = exact.completions[np.argmin(exact.log_joint, axis=1)]
    begun = started_at(begun, worst)
    found = refine(model, pixels, begun, CHAINS, 25, seed=1, block=3, particles=6)
    check_frequencies(found.values, exact.log_posterior)


def test_likelihoods_are_those_of_the_completed_images(model):
    pixels, hidden = random_sets(2, 5, seed=5)
    begun = smc_posterior(model, pixels, hidden, 8, 1)
    found = refine(model, pixels, begun, 4, 3, seed=1, block=2, particles=16)
    check_likelihoods(model, pixels, hidden, found)
    np.testing.assert_allclose(np.exp(found.log_weights), 0.25)


def test_the_seed_decides(model):
    pixels, hidden = random_sets(2, 5, seed=5)
    begun = smc_posterior(model, pixels, hidden, 8, 1)
    first, again, other = (
        refine(model, pixels, begun, 6, 2, seed=seed, block=3, particles=16).values
        for seed in (2, 2, 3)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_nothing_hidden(model):
    pixels, hidden = random_sets(2, 0, seed=0)
    begun = smc_posterior(model, pixels, hidden, 3, 0)
    found = refine(model, pixels, begun, 2, 2, seed=0, block=16, particles=16)
    assert found.values.shape == (2, 2, 0)


def test_a_block_is_what_lies_nearest():
    hidden = np.array([[0, 1, 2, 3, 4, 7], [0, 1, 2, 3, 6, 7]])
    # In 2 rows of 4: around pixel 3 lie 2 and 7, then 6.
    assert particle_gibbs._nearest(hidden, 3, 3, COLUMNS).tolist() == [[2, 3, 5], [2, 3, 5]]
    assert particle_gibbs._nearest(hidden, 3, 9, COLUMNS).tolist() == [[0, 1, 2, 3, 4, 5]] * 2


def test_of_pixels_that_lie_equally_near_a_block_takes_the_first():
    """In a whole image of 12 x 12, around each pixel."""
    hidden = np.arange(144)[None]
    for centre in hidden[0]:
        away = [
            (each // 12 - centre // 12) ** 2 + (each % 12 - centre % 12) ** 2 for each in hidden[0]
        ]
        for count in (2, 3, 7):
            wanted = sorted(sorted(range(144), key=lambda each, away=away: away[each])[:count])
            assert particle_gibbs._nearest(hidden, centre, count, 12).tolist() == [wanted]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"chains": 0}, "chains is 0; allowed: 1 and above"),
        ({"moves": -1}, "moves is -1; allowed: 0 and above"),
        ({"block": 0}, "block is 0; allowed: 1 and above"),
        ({"particles": 1}, "particles is 1; allowed: 2 and above, the present one included"),
    ],
)
def test_errors_say_what_is_allowed(changed, message):
    model, (pixels, hidden) = tiny_predictor(), random_sets(2, 2, seed=2)
    begun = smc_posterior(model, pixels, hidden, 2, 0)
    given = dict(chains=1, moves=1, seed=0, block=1, particles=2) | changed
    with pytest.raises(ValueError, match=message):
        refine(model, pixels, begun, **given)
