"""Checks sequential Monte Carlo: simulation-based calibration, and errors.

Calibration (Talts et al. 2018, arXiv:1804.06788): an image is drawn from the model itself, its
pixels are hidden and inferred. If inference is exact, the truth is one more draw from the
posterior, so the share of the posterior's mass below it is uniform, for any statistic of the image.
Shares are put into bins of equal width, and a chi-square test compares their counts.

On the same images log p(observed) is bounded from both sides (Grosse et al. 2015, arXiv:1511.02543;
Zhao et al. 2024, arXiv:2404.17546). A run's estimate of p(observed) is unbiased, so that of its
logarithm lies below on average. A run in which the truth, an exact draw from the posterior, is one
of the particles gives an estimate that lies above on average.

Errors are measured on real images by independent runs, against the exact posterior where a hole is
small enough for one, otherwise against the pooled runs of most particles.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from scanline.holes.sets import MAX_ENUMERATED, values_at
from scanline.inference.ancestral import sample_images
from scanline.inference.exact import exact_posterior
from scanline.inference.likelihood import read_steps
from scanline.inference.smc import Particles, pooled, smc_posterior
from scanline.models.look_ahead import LookAhead
from scanline.models.predictor import Predictor

LEVEL = 0.01  # of the chi-square test


class Simulated(NamedTuple):
    """Images drawn from the model, of which pixels are hidden, and what is inferred of them."""

    pixels: np.ndarray  # uint8 [N, T], as they were drawn
    found: Particles
    bound_gap: np.ndarray  # float64 [N] nats, from the lower bound of log p(observed) to the upper


def simulate(
    model: Predictor,
    hidden: np.ndarray,
    particles: int,
    seed: int,
    look_ahead: LookAhead | None = None,
) -> Simulated:
    """One image for each row of ``hidden`` [N, k]."""
    pixels = sample_images(model, len(hidden), model.inputs_of.size, seed)
    found = smc_posterior(model, pixels, hidden, particles, seed, look_ahead=look_ahead)
    truth = values_at(pixels, hidden)
    above = smc_posterior(model, pixels, hidden, particles, seed + 1, truth, look_ahead)
    return Simulated(pixels, found, above.log_observed - found.log_observed)


def ranks_of_truth(model: Predictor, simulated: Simulated, bins: int, seed: int) -> pd.DataFrame:
    """Where the truth lies in the posterior.

    Columns: image, statistic (``log_likelihood`` of the image, ``ink``: hidden pixels that are
    ink), below (share of the posterior below the truth, ties broken by chance), rank (its bin).
    """
    pixels, found, _ = simulated
    images, hidden = len(pixels), found.hidden
    log_likelihood, _ = read_steps(model, pixels, 0, pixels.shape[1], model.zero_states(images))
    ink = values_at(pixels, hidden).sum(axis=1)
    generator = np.random.default_rng(seed)
    tables = []
    for name, of_particles, of_truth in (
        # Rounded: float32's terms of one image, added in two orders.
        ("log_likelihood", np.round(found.log_likelihood, 3), np.round(log_likelihood, 3)),
        ("ink", found.values.sum(axis=2), ink),
    ):
        below = shares_below(np.exp(found.log_weights), of_particles, of_truth, generator)
        rank = np.minimum((below * bins).astype(int), bins - 1)
        columns = {"image": np.arange(images), "statistic": name, "below": below, "rank": rank}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def shares_below(
    weights: np.ndarray, of_particles: np.ndarray, of_truth: np.ndarray, generator
) -> np.ndarray:
    """The weight [N] of particles [N, P] below the truth [N], with a random part of the ties."""
    less = (weights * (of_particles < of_truth[:, None])).sum(axis=1)
    same = (weights * (of_particles == of_truth[:, None])).sum(axis=1)
    return less + generator.random(len(less)) * same


def chi_square(ranks: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Columns statistic, n_images, bins, chi_square, p_value, passes (p_value above 1 %)."""
    rows = []
    for name, group in ranks.groupby("statistic"):
        count = np.bincount(group["rank"], minlength=bins)
        test = stats.chisquare(count)
        rows.append((name, len(group), bins, test.statistic, test.pvalue, test.pvalue > LEVEL))
    columns = ["statistic", "n_images", "bins", "chi_square", "p_value", "passes"]
    return pd.DataFrame(rows, columns=columns)


def errors_by_particles(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    particles: Sequence[int],
    runs: int,
    seed: int,
    look_ahead: LookAhead | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far runs of so many ``particles`` lie from the truth, and their effective sample sizes.

    First table: particles, n_images, runs, reference (``exact`` or ``pooled``), log_observed_error
    (root mean square over images and runs, nats), log_observed_sd (over runs of an image, mean over
    images), marginals_error (root mean square over pixels too), effective_sample_size (after the
    last pixel, mean over images and runs), seconds_per_image. Second: particles, step,
    effective_sample_size (mean over images and runs).
    """

    def run(count: int, seed: int, images: slice = slice(None)) -> Particles:
        observed, places = pixels[images], hidden[images]
        return smc_posterior(model, observed, places, count, seed, look_ahead=look_ahead)

    found: dict[int, list[Particles]] = {}
    seconds: dict[int, float] = {}
    for count in sorted(particles):
        run(2, seed, slice(1))  # compiled before the clock starts
        began = time.perf_counter()
        found[count] = [run(count, seed + r) for r in range(runs)]
        seconds[count] = (time.perf_counter() - began) / runs / len(pixels)
    if hidden.shape[1] <= MAX_ENUMERATED:
        exact = exact_posterior(model, pixels, hidden)
        reference, log_observed, marginals = "exact", exact.log_observed, exact.marginals
    else:
        best = pooled(found[max(found)])
        reference, log_observed, marginals = "pooled", best.log_observed, best.marginals
    rows, sizes = [], []
    for count, each in found.items():
        estimates = np.stack([one.log_observed for one in each])
        inked = np.stack([one.marginals for one in each])
        ess = np.mean([one.effective_sample_size for one in each], axis=(0, 1))
        rows.append(
            {
                "particles": count,
                "n_images": len(pixels),
                "runs": runs,
                "reference": reference,
                "log_observed_error": _rms(estimates - log_observed),
                "log_observed_sd": estimates.std(axis=0, ddof=1).mean(),
                "marginals_error": _rms(inked - marginals),
                "effective_sample_size": ess[-1],
                "seconds_per_image": seconds[count],
            }
        )
        sizes.append(
            pd.DataFrame(
                {"particles": count, "step": np.arange(len(ess)), "effective_sample_size": ess}
            )
        )
    return pd.DataFrame(rows), pd.concat(sizes, ignore_index=True)


def _rms(differences: np.ndarray) -> float:
    return float(np.sqrt(np.mean(differences**2)))
