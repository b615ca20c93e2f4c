"""Intervals and paired tests against their definitions, written out."""

import math
from itertools import product

import numpy as np
import pytest

from scanline.evaluation.intervals import (
    difference_of_means,
    difference_of_shares,
    interval_of_mean,
    standard_error,
)


def test_an_interval_is_the_middle_of_the_means_of_redrawn_images():
    """A loop over resamples of its own draws."""
    values = np.random.default_rng(3).gamma(2.0, size=60)
    generator = np.random.default_rng(4)
    means = sorted(values[generator.integers(0, 60, 60)].mean() for _ in range(20_000))
    low, high = interval_of_mean(values)
    # A quantile at 0.025 of 2,000 means has a standard error of about 0.06 of their deviation.
    tolerance = 4 * 0.06 * np.std(means)
    assert low == pytest.approx(means[500], abs=tolerance)
    assert high == pytest.approx(means[19_499], abs=tolerance)


@pytest.mark.parametrize("seed", [0, 7])
def test_an_interval_is_that_of_2000_resamples_by_the_seed(seed):
    """To the last digits: a published interval is found again."""
    values = np.random.default_rng(3).gamma(2.0, size=60)
    drawn = np.random.default_rng(seed).integers(0, 60, (2000, 60))
    wanted = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    np.testing.assert_allclose(interval_of_mean(values, seed), wanted, rtol=1e-12)


def test_an_interval_of_many_images_is_the_normal_one():
    values = np.random.default_rng(5).normal(80, 20, 5000)
    error = values.std(ddof=1) / math.sqrt(5000)
    low, high = interval_of_mean(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    generator = np.random.default_rng(6)
    held = 0
    for _ in range(200):
        low, high = interval_of_mean(generator.normal(0, 1, 100))
        held += low <= 0 <= high
    # Of 200 with p = 0.95: 190, standard deviation 3.1; 4 of them, and 2 for the bootstrap's own
    # shortness at 100 images.
    assert 176 <= held <= 200


def test_the_same_values_have_the_same_interval():
    values = np.random.default_rng(7).random(300)
    assert interval_of_mean(values) == interval_of_mean(values)
    assert interval_of_mean(values) != interval_of_mean(values, seed=1)


def test_one_image_has_no_interval():
    assert np.isnan(interval_of_mean(np.array([1.0]))).all()


def student_tail(t: float, freedom: int) -> float:
    """p(|T| > t) of Student's distribution, by summing its density."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    grid = np.linspace(0, abs(t), 200_001)
    density = scale / math.sqrt(freedom * math.pi) * (1 + grid**2 / freedom) ** (-(freedom + 1) / 2)
    return 1 - 2 * float(np.trapezoid(density, grid))


def test_a_mean_difference_is_tested_by_student_s_t_of_the_pairs():
    generator = np.random.default_rng(8)
    hard = generator.normal(80, 20, 40)  # what both models find hard
    first, second = hard + generator.normal(0.3, 1, 40), hard
    found = difference_of_means(first, second)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean = sum(differences) / 40
    variance = sum((each - mean) ** 2 for each in differences) / 39
    assert found.mean == pytest.approx(mean)
    # The sum over 200,000 slices is exact to about 1e-9.
    assert found.p == pytest.approx(student_tail(mean / math.sqrt(variance / 40), 39), abs=1e-8)
    low, high = found.interval
    assert low < mean < high
    assert high - low < 1  # the images' own spread, 20, is gone


def test_a_mean_difference_agrees_with_all_changes_of_sign():
    """The permutation test, exact: under the null hypothesis a difference has either sign."""
    generator = np.random.default_rng(9)
    first, second = generator.normal(0.5, 1, 12), generator.normal(0, 1, 12)
    differences = first - second
    observed = abs(differences.sum())
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=12)]
    exact = np.mean(np.array(sums) >= observed - 1e-12)
    # Of 12 normal differences both tests say nearly the same.
    assert difference_of_means(first, second).p == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(("only_first", "only_second"), [(3, 9), (9, 3), (5, 5), (0, 4), (1, 0)])
def test_shares_are_tested_by_the_binomial_of_the_answers_that_differ(only_first, only_second):
    first = np.array([1] * only_first + [0] * only_second + [1] * 20 + [0] * 5, bool)
    second = np.array([0] * only_first + [1] * only_second + [1] * 20 + [0] * 5, bool)
    either = only_first + only_second
    fewer = min(only_first, only_second)
    tail = sum(math.comb(either, count) for count in range(fewer + 1)) / 2**either
    found = difference_of_shares(first, second)
    assert found.p == pytest.approx(min(1.0, 2 * tail))
    assert found.mean == pytest.approx((only_first - only_second) / len(first))


def test_equal_models_are_not_told_apart():
    right = np.array([True, False, True, True])
    assert difference_of_shares(right, right).p == 1
    assert difference_of_means(right, right).p == 1
    assert difference_of_means(right, right).interval == (0, 0)


def test_values_of_other_images_are_refused():
    with pytest.raises(ValueError, match=r"values of \(3,\) and \(2,\) are no pairs"):
        difference_of_means(np.zeros(3), np.zeros(2))


def test_a_standard_error_is_that_of_a_mean_of_independent_values():
    values = [0.2, 0.5, 0.9, 0.4]
    mean = sum(values) / 4
    variance = sum((value - mean) ** 2 for value in values) / 3
    # Two orders of four additions in float64.
    assert standard_error(np.array(values)) == pytest.approx(math.sqrt(variance / 4), rel=1e-14)
    assert math.isnan(standard_error(np.array([0.2])))
