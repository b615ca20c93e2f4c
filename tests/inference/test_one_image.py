"""One image completed: exactly and by sampling, the same answers; and its picture."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from tabulated import (
    COLUMNS,
    COMING_APART,
    EVERY_SECOND,
    SIZE,
    tiny_look_ahead,
    tiny_predictor,
)

from scanline.figures.one_image import draw_completed
from scanline.inference import smc
from scanline.inference.exact import exact_posterior
from scanline.inference.one_image import complete_by_sampling, complete_exactly, error_of, worth

HIDDEN = np.array([1, 2, 4, 6, 7])
PIXELS = np.array([1, 0, 0, 1, 0, 1, 0, 0], np.uint8)


def complete(model, samples, particles, runs, moves, seed=0, look_ahead=None, hidden=HIDDEN):
    """``complete_by_sampling`` whose moves redraw all hidden pixels with 16 particles."""
    return complete_by_sampling(
        model, PIXELS, hidden, samples, particles, runs, moves, 16, 16, seed, look_ahead
    )


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 1, "context")


@pytest.fixture(scope="module")
def posterior(model):
    return exact_posterior(model, PIXELS[None], HIDDEN[None])


@pytest.fixture(scope="module", params=["alone", "with a look-ahead"])
def sampled(request, model):
    companion = None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)
    return complete(model, samples=50, particles=3, runs=6, moves=30, look_ahead=companion)


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
    assert done.method == "exact"


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
    assert sampled.method == "particle_gibbs"


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


@pytest.mark.parametrize("alone", [True, False])
def test_particles_worth_more_than_the_samples_are_the_posterior(model, posterior, alone):
    """Of two chains every marginal would be 0, 1/2 or 1."""
    companion = None if alone else tiny_look_ahead(model, spread=0.5)
    done = complete(model, samples=2, particles=200, runs=4, moves=1, look_ahead=companion)
    assert done.method == "smc"
    np.testing.assert_allclose(done.marginals, posterior.marginals[0], atol=0.1)
    assert not set(2 * done.marginals) <= {0, 1, 2}


def test_moves_follow_where_the_particles_are_worth_less_than_the_samples(model):
    """Either way p(observed) is by all runs, and the same seed gives the same."""
    runs = [smc.smc_posterior(model, PIXELS[None], HIDDEN[None], 4, seed) for seed in range(3)]
    size = worth(runs)
    assert 1 < size != int(size)
    for samples, method in ((int(size), "smc"), (int(size) + 1, "particle_gibbs")):
        done, again = (complete(model, samples, particles=4, runs=3, moves=1) for _ in range(2))
        assert (done.method, done.effective_sample_size) == (method, size)
        assert done.log_observed == smc.pooled(runs).log_observed[0]
        for one, other in zip(done, again, strict=True):
            np.testing.assert_array_equal(one, other)


def test_without_moves_particles_of_little_worth_are_the_posterior(model):
    done = complete(model, samples=50, particles=3, runs=2, moves=0)
    assert done.effective_sample_size < 50
    assert done.method == "smc"


def test_p_observed_has_no_bias_over_runs_of_much_and_of_little_worth(monkeypatch):
    """Over 400 repetitions of two runs of four particles, all of which count."""
    monkeypatch.setattr(smc, "BRANCH_UP_TO", -1)
    settings, image = COMING_APART[0]
    model, repetitions = tiny_predictor(**settings), 400
    pixels = np.tile(np.array(image, np.uint8), (repetitions, 1))
    hidden = np.tile(EVERY_SECOND, (repetitions, 1))
    found = [smc.smc_posterior(model, pixels, hidden, 4, seed) for seed in (0, 1)]
    exact = exact_posterior(model, pixels[:1], hidden[:1]).log_observed
    ratio = np.exp(smc.pooled(found).log_observed - exact)
    size = np.array(
        [
            worth([smc.Particles(*(field[n : n + 1] for field in run)) for run in found])
            for n in range(repetitions)
        ]
    )
    assert 0.2 < (size < 5).mean() < 0.8
    assert abs(ratio.mean() - 1) < 5 * ratio.std() / np.sqrt(repetitions)


def independent_runs(shares, draws, copies, pixels=400, seed=0):
    """Runs whose particles are ``copies`` of each of ``draws`` independent ones; equal weights."""
    generator = np.random.default_rng(seed)
    ink, count = generator.uniform(0.1, 0.9, pixels), draws * copies
    return [
        smc.Particles(
            hidden=np.arange(pixels)[None],
            values=np.repeat(generator.random((1, draws, pixels)) < ink, copies, axis=1),
            log_weights=np.full((1, count), -np.log(count)),
            log_likelihood=np.zeros((1, count)),
            log_observed=np.log([share]),
            effective_sample_size=np.full((1, pixels), float(count)),
        )
        for share in shares
    ]


@pytest.mark.parametrize(
    "shares", [np.full(8, 1 / 8), np.array([0.65, *[0.05] * 7]), np.array([0.7, 0.3])]
)
def test_copies_are_worth_no_more_than_what_they_are_copies_of(shares):
    """Of R runs of n draws each, in shares s, the mean's variance is that of n / sum(s**2)."""
    draws = 40
    found = worth(independent_runs(shares, draws, copies=10))
    # 5 standard errors of a variance over (R - 1) * 400 pixels, more where shares differ.
    assert found == pytest.approx(draws / (shares**2).sum(), rel=0.35)


def test_particles_are_worth_no_more_than_their_effective_number():
    runs = independent_runs([1, 1, 1], draws=20, copies=1)
    agreeing = [runs[0]._replace(effective_sample_size=each.effective_sample_size) for each in runs]
    assert worth(agreeing) == pytest.approx(60)


def runs_of_one_pixel(values: tuple[int, int], log_weights: tuple[float, float]):
    """Two runs of eight particles, all of one value and weight."""
    return [
        smc.Particles(
            hidden=np.zeros((1, 1), int),
            values=np.full((1, 8, 1), value),
            log_weights=np.full((1, 8), log_weight),
            log_likelihood=np.zeros((1, 8)),
            log_observed=np.zeros(1),
            effective_sample_size=np.full((1, 1), 8.0),
        )
        for value, log_weight in zip(values, log_weights, strict=True)
    ]


def test_particles_are_worth_one_draw_at_least():
    """Two runs that agree on nothing."""
    assert worth(runs_of_one_pixel((0, 1), (-np.log(8),) * 2)) == 1


def test_runs_that_agree_up_to_rounding_are_worth_their_effective_number():
    assert worth(runs_of_one_pixel((1, 1), (-np.log(8), -np.log(8) - 4e-16))) == 16
    assert worth(runs_of_one_pixel((0, 0), (-np.log(8), -np.log(8) - 4e-16))) == 16


def test_the_effective_sample_size_is_that_of_the_last_weights(model):
    hidden = np.array([1, 2, 4])
    runs = [smc.smc_posterior(model, PIXELS[None], hidden[None], 5, seed) for seed in range(3)]
    both = smc.pooled(runs)
    assert worth(runs) == pytest.approx(1 / (np.exp(both.log_weights[0]) ** 2).sum())
    done = complete(model, samples=4, particles=5, runs=3, moves=0, hidden=hidden)
    assert done.effective_sample_size == worth(runs)
    assert both.effective_sample_size[0].min() < worth(runs)


def test_without_moves_samples_are_some_of_the_particles(model):
    """Of two particles a run there are too few for any other completion to be one by chance."""
    particles = [
        smc.smc_posterior(model, PIXELS[None], HIDDEN[None], 2, seed).values[0] for seed in (3, 4)
    ]
    drawn = {tuple(each) for each in np.concatenate(particles)}
    done = complete(model, samples=40, particles=2, runs=2, moves=0, seed=3)
    assert {tuple(each) for each in done.samples} <= drawn
    assert len(drawn) <= 4


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
