"""One image completed: exactly and by sampling, the same answers; and its picture."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from tabulated import COLUMNS, SIZE, tiny_look_ahead, tiny_predictor

from scanline.figures.one_image import draw_completed
from scanline.inference import smc
from scanline.inference.exact import exact_posterior
from scanline.inference.one_image import complete_by_sampling, complete_exactly, error_of

HIDDEN = np.array([1, 2, 4, 6, 7])
PIXELS = np.array([1, 0, 0, 1, 0, 1, 0, 0], np.uint8)


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 1, "context")


@pytest.fixture(scope="module")
def posterior(model):
    return exact_posterior(model, PIXELS[None], HIDDEN[None])


@pytest.fixture(scope="module", params=["alone", "with a look-ahead"])
def sampled(request, model):
    companion = None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)
    return complete_by_sampling(
        model, PIXELS, HIDDEN, 50, 3, range(6), range(30), 16, 16, 0, companion
    )


def test_exact_samples_are_draws_from_the_posterior(model, posterior):
    done = complete_exactly(model, PIXELS, HIDDEN, 2000, 0)
    number = done.samples.astype(int) @ (1 << np.arange(5)[::-1])
    probability = np.exp(posterior.log_posterior[0])
    # 5 standard errors of each count, and one for those too rare to be near normal.
    error = 5 * np.sqrt(2000 * probability * (1 - probability)) + 1
    assert (np.abs(np.bincount(number, minlength=32) - 2000 * probability) < error).all()
    np.testing.assert_array_equal(done.log_likelihood, posterior.log_joint[0, number])
    assert (np.diff(done.log_likelihood) <= 0).all()
    assert done.log_observed == posterior.log_observed[0]
    assert done.log_observed_error == 0
    assert done.log_observed_interval == (done.log_observed, done.log_observed)


def test_sampling_agrees_with_the_posterior(sampled, posterior):
    error = abs(sampled.log_observed - posterior.log_observed[0])
    # The error is itself estimated, from six runs.
    assert 0 < sampled.log_observed_error < 0.2
    assert error < 5 * sampled.log_observed_error
    low, high = sampled.log_observed_interval
    assert low < sampled.log_observed < high
    # 50 chains over 30 moves that redraw all: no more than 1,500 draws, each seen a few times.
    np.testing.assert_allclose(sampled.marginals, posterior.marginals[0], atol=0.1)
    assert (sampled.map_completion == posterior.map_completion[0]).all()
    number = sampled.samples.astype(int) @ (1 << np.arange(5)[::-1])
    # float32 logits, a sum of 8 terms of a few nats each.
    np.testing.assert_allclose(sampled.log_likelihood, posterior.log_joint[0, number], atol=1e-5)
    assert (np.diff(sampled.log_likelihood) <= 0).all()
    assert 1 <= sampled.effective_sample_size <= 18


@pytest.mark.parametrize("particles", [3, 12])
def test_the_interval_holds_log_p_observed_in_95_of_100_repetitions(model, posterior, particles):
    """Of 500 repetitions of 8 runs, in which hidden pixels are drawn."""
    repetitions, runs = 500, 8
    pixels, hidden = (np.tile(each, (repetitions * runs, 1)) for each in (PIXELS, HIDDEN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smc, "BRANCH_UP_TO", -1)
        found = smc.smc_posterior(model, pixels, hidden, particles, 0).log_observed
    held = []
    for estimates in found.reshape(repetitions, runs):
        off = np.logaddexp.reduce(estimates) - np.log(runs) - posterior.log_observed[0]
        held.append(abs(off) <= error_of(estimates)[1])
    # 5 standard errors of a share of 0.95 among 500.
    assert abs(np.mean(held) - 0.95) < 5 * 0.0097


def test_without_moves_marginals_are_the_particles(model, posterior):
    done = complete_by_sampling(model, PIXELS, HIDDEN, 4, 500, range(4), range(0), 16, 16, 0)
    np.testing.assert_allclose(done.marginals, posterior.marginals[0], atol=0.1)
    assert done.samples.shape == (4, 5)


def test_the_effective_sample_size_is_the_least_after_the_hole(model):
    hidden = np.array([1, 2, 4])
    done = complete_by_sampling(model, PIXELS, hidden, 4, 5, range(3), range(0), 16, 16, 0)
    runs = [smc.smc_posterior(model, PIXELS[None], hidden[None], 5, seed) for seed in range(3)]
    sizes = smc.pooled(runs).effective_sample_size[0]
    assert done.effective_sample_size == sizes[4:].min()
    assert sizes[:4].min() < sizes[4:].min() < sizes[4]


def test_without_moves_samples_are_some_of_the_particles(model):
    """Of two particles a run there are too few for any other completion to be one by chance."""
    particles = [
        smc.smc_posterior(model, PIXELS[None], HIDDEN[None], 2, seed).values[0] for seed in (3, 4)
    ]
    drawn = {tuple(each) for each in np.concatenate(particles)}
    done = complete_by_sampling(model, PIXELS, HIDDEN, 40, 2, range(2), range(0), 16, 16, 3)
    assert {tuple(each) for each in done.samples} <= drawn
    assert len(drawn) <= 4


def test_a_look_ahead_s_particles_give_the_marginals_where_they_are_more_than_the_chains(
    model, posterior
):
    """Of two chains every marginal is 0, 1/2 or 1."""
    given = (model, PIXELS, HIDDEN, 2, 200, range(4), range(1), 16, 16, 0)
    alone = complete_by_sampling(*given)
    assert set(2 * alone.marginals) <= {0, 1, 2}
    done = complete_by_sampling(*given, tiny_look_ahead(model, spread=0.5))
    assert done.effective_sample_size > 20
    np.testing.assert_allclose(done.marginals, posterior.marginals[0], atol=0.1)
    assert not set(2 * done.marginals) <= {0, 1, 2}


def test_entropy_is_of_the_marginals(sampled):
    done = sampled._replace(marginals=np.array([0, 1, 0.5, 0.25, 1.0]))
    expected = [0, 0, np.log(2), 0.25 * np.log(4) + 0.75 * np.log(4 / 3), 0]
    np.testing.assert_allclose(done.entropy, expected)


@pytest.mark.parametrize("truth", [None, PIXELS])
def test_the_picture_shows_every_sample(sampled, truth):
    figure = draw_completed(PIXELS, sampled, COLUMNS, truth)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[: 1 + (truth is not None)] == ["given", "truth"][: 1 + (truth is not None)]
    assert {"most probable", "p(ink)", "entropy (nats)"} < set(titles)
    assert [f"{nats:.1f}" for nats in sampled.log_likelihood] == titles[-50:]
    marginals = next(axes for axes in figure.axes if axes.get_title() == "p(ink)")
    shown = marginals.images[0].get_array()
    assert shown is not None
    flat = np.asarray(shown).ravel()
    np.testing.assert_allclose(flat[HIDDEN], sampled.marginals)
    observed = np.setdiff1d(np.arange(SIZE), HIDDEN)
    np.testing.assert_allclose(flat[observed], PIXELS[observed])
    plt.close(figure)


@pytest.mark.parametrize(("runs", "quantile"), [(2, 12.706), (5, 2.776), (8, 2.365)])
def test_the_interval_is_as_wide_as_student_s(runs, quantile):
    """Quantiles of 97.5 % for one degree of freedom less than there are runs."""
    error, bound = error_of(np.linspace(-3, 2, runs))
    assert bound / error == pytest.approx(quantile, abs=1e-3)
    variance = np.var(np.linspace(-3, 2, runs), ddof=1)
    assert error**2 == pytest.approx(variance / runs + variance**2 / (2 * runs - 2))
