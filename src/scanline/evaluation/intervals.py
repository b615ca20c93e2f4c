"""How certain a number measured on test images is, and a difference between two models.

The test images are taken as a sample of possible ones. An interval is the
bootstrap's (Efron 1979): images are drawn anew with replacement, and of the means the middle 95 %
are kept. Two models are compared image by image, which takes away what makes an image hard for
both: a mean by a paired t-test, right and wrong answers by McNemar's exact test (1947). What
another training of the same variant would give is not part of it: that is the standard error over
seeds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95
RESAMPLES = 2000
BATCH = 50  # resamples at a time; bounds the memory


class Interval(NamedTuple):
    """With 95 % confidence a mean lies between ``low`` and ``high``."""

    low: float
    high: float


class Difference(NamedTuple):
    """Mean of first - second over images, its interval, and the p-value of no difference."""

    mean: float
    interval: Interval
    test: str
    p: float


def interval_of_mean(values: np.ndarray, seed: int = 0) -> Interval:
    """The bootstrap interval of the mean of ``values`` [N]; the same seed gives the same one.

    A single value has no interval: both ends are not numbers.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return Interval(float("nan"), float("nan"))
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=BATCH,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def interval_over_seeds(values: Sequence[np.ndarray]) -> Interval:
    """Of several seeds' ``values`` [N] by image: that of their mean; not numbers without seeds.

    It is of the mean for these very models, over images.
    """
    return interval_of_mean(np.mean(values, axis=0) if values else np.empty(0))


def difference_of_means(first: np.ndarray, second: np.ndarray) -> Difference:
    """Of two models' values [N] on the same images, by a paired t-test (two-sided)."""
    differences = _paired(first, second)
    same = bool((differences == differences[0]).all())  # no spread: t is 0 / 0, or infinite
    p = float(not differences.any()) if same else float(stats.ttest_1samp(differences, 0).pvalue)
    return Difference(float(differences.mean()), interval_of_mean(differences), "paired t", p)


def difference_of_shares(first: np.ndarray, second: np.ndarray) -> Difference:
    """Of two models' right answers (bool [N]) to the same images, by McNemar's exact test.

    Under the null hypothesis an image that only one model gets right is either's with probability
    1/2: p is the two-sided binomial one.
    """
    differences = _paired(first, second)
    only_first, only_second = int((differences > 0).sum()), int((differences < 0).sum())
    either = only_first + only_second
    p = float(stats.binomtest(only_first, either, 0.5).pvalue) if either else 1.0
    return Difference(float(differences.mean()), interval_of_mean(differences), "McNemar exact", p)


def _paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(
            f"values of {first.shape} and {second.shape} are no pairs; give one of each an image"
        )
    return first - second


def standard_error(values: np.ndarray) -> float:
    """Of the mean of independent ``values``; not a number for one value."""
    return float(stats.sem(values)) if len(values) > 1 else float("nan")
