"""Calibration finds what is calibrated and what is not; errors shrink with particles."""

import math
import statistics
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tabulated import SIZE, all_images, tiny_look_ahead, tiny_predictor

from scanline.evaluation import calibration
from scanline.evaluation.calibration import (
    chi_square,
    errors_by_particles,
    ranks_of_truth,
    shares_below,
    simulate,
)
from scanline.inference import smc
from scanline.inference.exact import exact_posterior
from scanline.inference.smc import smc_posterior

DRAWS, BINS = 500, 10
HIDDEN = np.tile([1, 2, 4, 6], (DRAWS, 1))


@pytest.fixture(scope="module")
def model():
    return tiny_predictor("gru", 2, "context")


@pytest.fixture(params=["alone", "with a look-ahead"])
def companion(request, model):
    return None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)


def test_the_model_s_own_images_are_calibrated(model, companion):
    drawn = simulate(model, HIDDEN, 60, 0, companion)
    tests = chi_square(ranks_of_truth(model, drawn, BINS, seed=0), BINS)
    assert tests["statistic"].tolist() == ["ink", "log_likelihood"]
    assert tests["passes"].all()
    assert (tests["n_images"] == DRAWS).all()


def test_weights_that_are_left_out_are_found_out(model, monkeypatch):
    """Particles that do not heed the last observed pixels are no posterior."""

    def unweighted(*arguments, **named):
        found = smc_posterior(*arguments, **named)
        return found._replace(log_weights=np.full_like(found.log_weights, -np.log(60)))

    monkeypatch.setattr(calibration, "smc_posterior", unweighted)
    drawn = simulate(model, HIDDEN, 60, 0)
    assert not chi_square(ranks_of_truth(model, drawn, BINS, seed=0), BINS)["passes"].all()


def test_log_p_observed_lies_between_the_bounds_on_average(model, companion, monkeypatch):
    monkeypatch.setattr(smc, "BRANCH_UP_TO", -1)  # drawn, since 32 branches hold all
    gaps = []
    for particles in (2, 32):
        drawn = simulate(model, HIDDEN, particles, 0, companion)
        exact = exact_posterior(model, drawn.pixels, HIDDEN).log_observed
        below = drawn.found.log_observed - exact
        above = below + drawn.bound_gap
        error = 3 / np.sqrt(DRAWS)  # standard errors
        assert below.mean() < error * below.std()
        assert above.mean() > -error * above.std()
        gaps.append(drawn.bound_gap.mean())
    assert abs(gaps[1]) < gaps[0] / 4  # sixteen times the particles


def test_shares_are_of_the_weights_below():
    weights = np.array([[0.1, 0.2, 0.3, 0.4]] * 2)
    particles = np.array([[1, 2, 2, 3]] * 2)
    below = shares_below(weights, particles, np.array([2, 9]), np.random.default_rng(0))
    assert 0.1 <= below[0] <= 0.6
    assert below[1] == pytest.approx(1)


def test_chi_square_is_pearson_s():
    rank = np.repeat([0, 1, 2, 3], [30, 20, 25, 25])
    found = chi_square(pd.DataFrame({"statistic": "ink", "rank": rank}), 4)
    assert found["chi_square"].item() == pytest.approx(2.0)  # (25 + 25) / 25
    # The upper tail of chi-square with 3 degrees of freedom at 2, from a table.
    assert found["p_value"].item() == pytest.approx(0.5724, abs=1e-4)


def test_errors_are_against_the_exact_posterior(model, monkeypatch):
    monkeypatch.setattr(smc, "BRANCH_UP_TO", -1)  # drawn, since 32 branches hold all
    pixels = all_images()[[3, 77, 200]]
    hidden = np.tile([0, 2, 3, 5, 7], (3, 1))
    errors, sizes = errors_by_particles(model, pixels, hidden, [8, 128], 12, seed=0)
    assert errors["particles"].tolist() == [8, 128]
    assert (errors["reference"] == "exact").all()
    for name in ("log_observed_error", "log_observed_sd", "marginals_error"):
        few, many = errors[name]
        assert 0 < many < few / 2  # sixteen times the particles: a quarter of the error
    assert (errors["seconds_per_image"] > 0).all()
    last = sizes[sizes["step"] == SIZE - 1]["effective_sample_size"]
    assert errors["effective_sample_size"].tolist() == last.tolist()
    assert len(sizes) == 2 * SIZE
    assert sizes["effective_sample_size"].between(1, 128).all()


def test_a_bin_without_a_rank_counts():
    found = chi_square(pd.DataFrame({"statistic": "ink", "rank": [0] * 10 + [1] * 10}), 4)
    assert found["chi_square"].item() == pytest.approx(4 * 5**2 / 5)


def test_errors_are_means_over_images_and_runs(model, monkeypatch):
    """Of runs that are made here a second time, as loops; by a clock that says 3 and 27 s."""
    monkeypatch.setattr(smc, "BRANCH_UP_TO", -1)
    monkeypatch.setattr(calibration, "MAX_ENUMERATED", 5)
    clock = iter([3.0, 27.0])
    monkeypatch.setattr(calibration, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    pixels = all_images()[[3, 77]]
    hidden = np.tile([0, 2, 3, 5, 6], (2, 1))
    errors, sizes = errors_by_particles(model, pixels, hidden, [8], 3, seed=4)
    found = [smc_posterior(model, pixels, hidden, 8, 4 + run) for run in range(3)]
    exact = exact_posterior(model, pixels, hidden)
    estimates = [[run.log_observed[n] for run in found] for n in range(2)]
    off = [each - exact.log_observed[n] for n in range(2) for each in estimates[n]]
    inked = [run.marginals[n] - exact.marginals[n] for run in found for n in range(2)]
    ess = sum(run.effective_sample_size[n] for run in found for n in range(2)) / 6
    wanted = {
        "log_observed_error": math.sqrt(sum(each**2 for each in off) / 6),
        "log_observed_sd": sum(map(statistics.stdev, estimates)) / 2,
        "marginals_error": math.sqrt(sum((each**2).sum() for each in inked) / 30),
        "effective_sample_size": ess[-1],
        "seconds_per_image": 24 / 3 / 2,
    }
    line = errors.iloc[0]
    assert (line["reference"], line["n_images"], line["runs"]) == ("exact", 2, 3)
    for name, value in wanted.items():
        assert line[name] == pytest.approx(value, rel=1e-5), name
    np.testing.assert_allclose(sizes["effective_sample_size"], ess, rtol=1e-5)


def test_large_holes_are_compared_with_pooled_runs(model, monkeypatch):
    monkeypatch.setattr(calibration, "MAX_ENUMERATED", 3)
    pixels = all_images()[[3, 77]]
    hidden = np.tile([0, 2, 3, 5, 7], (2, 1))
    pooled, _ = errors_by_particles(model, pixels, hidden, [8, 400], 6, seed=0)
    assert (pooled["reference"] == "pooled").all()
    monkeypatch.setattr(calibration, "MAX_ENUMERATED", 16)
    exact, _ = errors_by_particles(model, pixels, hidden, [8, 400], 6, seed=0)
    # The pooled reference is 2,400 particles: right to a few per cent of the error of 8.
    assert pooled["log_observed_error"][0] == pytest.approx(exact["log_observed_error"][0], rel=0.2)
