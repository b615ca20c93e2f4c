"""One image with a hole, completed: samples by likelihood, marginals, entropy.

A small hole gets its exact posterior. One at the end of the image takes independent draws, which
are exact, pixel by pixel. For any other, several independent runs of sequential Monte Carlo
estimate p(observed), and their spread gives its interval. Their pooled particles start the chains
of particle Gibbs, from which the samples come.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

from scanline.data.orientation import Orientation
from scanline.inference.classes import over_classes
from scanline.inference.drawn_classes import complete_over_classes
from scanline.inference.exact import exact_posterior
from scanline.inference.likelihood import read_steps
from scanline.inference.log_odds import log_prob
from scanline.inference.particle_gibbs import refine
from scanline.inference.resampling import draw_by_weight
from scanline.inference.smc import pooled, smc_posterior
from scanline.models.look_ahead import LookAhead
from scanline.models.predictor import Predictor


class Completed(NamedTuple):
    """An image of T pixels, k of them inferred; S samples, the most probable first."""

    hidden: np.ndarray  # int [k], flat indices, ascending
    samples: np.ndarray  # uint8 [S, k]
    log_likelihood: np.ndarray  # float64 [S], of the samples' images, nats, falling
    map_completion: np.ndarray  # uint8 [k], the most probable that was found
    marginals: np.ndarray  # float64 [k], p(ink | observed)
    log_observed: float  # log p(observed), nats
    log_observed_error: float  # its standard error, nats; 0 where nothing is estimated
    log_observed_interval: tuple[float, float]  # its 95 % interval, nats
    effective_sample_size: float  # of draws, or of pooled particles where it is least after the
    # hole; infinite where all completions were enumerated

    def turned_back(self, orientation: Orientation, hidden: np.ndarray) -> "Completed":
        """The same, given in the order of reading, in that of ``hidden`` [k], flat indices."""
        return self._replace(
            hidden=hidden,
            samples=orientation.values_back(self.samples, hidden),
            map_completion=orientation.values_back(self.map_completion, hidden),
            marginals=orientation.values_back(self.marginals, hidden),
        )

    @property
    def entropy(self) -> np.ndarray:
        """Of each hidden pixel's marginal distribution, float64 [k], nats."""
        p = np.stack([self.marginals, 1 - self.marginals])
        return -(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum(axis=0)


def complete_exactly(
    model: Predictor, pixels: np.ndarray, hidden: np.ndarray, samples: int, seed: int
) -> Completed:
    """``pixels`` [T] with its ``hidden`` [k] pixels drawn from their exact posterior."""
    found = exact_posterior(model, pixels[None], hidden[None])
    uniform = np.random.default_rng(seed).random((1, samples))
    chosen = draw_by_weight(found.log_posterior, uniform)[0]
    chosen = chosen[np.argsort(-found.log_joint[0, chosen], kind="stable")]
    return Completed(
        hidden=hidden,
        samples=found.completions[chosen],
        log_likelihood=found.log_joint[0, chosen],
        map_completion=found.map_completion[0],
        marginals=found.marginals[0],
        log_observed=float(found.log_observed[0]),
        log_observed_error=0.0,
        log_observed_interval=(float(found.log_observed[0]),) * 2,
        effective_sample_size=float("inf"),
    )


def error_of(log_estimates: np.ndarray) -> tuple[float, float]:
    """How far the logarithm of the mean estimate is off: its standard error, and a bound for 95 %.

    ``log_estimates`` [R] are those of R independent runs, two at least. The estimates are near to
    log-normal (Zhou and Gao 1997, Statistics in Medicine 16:783, "Cox's method").
    """
    runs, variance = len(log_estimates), float(np.var(log_estimates, ddof=1))
    error = math.sqrt(variance / runs + variance**2 / (2 * (runs - 1)))
    return error, error * float(stats.t.ppf(0.975, runs - 1))


def complete_end(
    model: Predictor, pixels: np.ndarray, hidden: np.ndarray, samples: int, draws: int, seed: int
) -> Completed:
    """``pixels`` [T] whose ``hidden`` [k] pixels are the last ones, so that draws are exact.

    There are ``draws`` of them (``samples``, where these are more), all independent. Marginals are
    their means, and map_completion is the most probable one. p(observed) is exact.
    """
    cut, count = int(hidden[0]), max(samples, draws)
    observed = pixels[None].astype(np.uint8)
    log_observed = float(
        over_classes(
            model,
            lambda of_class: read_steps(of_class, observed, 0, cut, of_class.zero_states(1))[0],
        )[0]
    )
    found = complete_over_classes(model, observed, cut, len(hidden), count, seed)
    drawn, logits = found.samples[0], found.sample_logits[0].astype(np.float64)
    log_likelihood = log_observed + log_prob(logits, drawn).sum(axis=1)
    order = np.argsort(-log_likelihood[:samples], kind="stable")
    return Completed(
        hidden=hidden,
        samples=drawn[order],
        log_likelihood=log_likelihood[order],
        map_completion=drawn[log_likelihood.argmax()],
        marginals=drawn.mean(axis=0),
        log_observed=log_observed,
        log_observed_error=0.0,
        log_observed_interval=(log_observed, log_observed),
        effective_sample_size=float(count),
    )


def complete_by_sampling(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    samples: int,
    particles: int,
    runs: Iterable[int],
    moves: Iterable[int],
    block: int,
    move_particles: int,
    seed: int,
    look_ahead: LookAhead | None = None,
) -> Completed:
    """``pixels`` [T] with its ``hidden`` [k] pixels from ``runs`` of SMC, then particle Gibbs.

    Each run has ``particles`` particles, and a seed of its own; there are at least two of them.
    A move of particle Gibbs draws ``block`` hidden pixels anew with ``move_particles`` particles.
    Marginals are over all chains after each move; over the particles where there is no move, and
    where a ``look_ahead`` drew them and they are worth more than the chains.
    """
    image, places = pixels[None], hidden[None]
    found = [
        smc_posterior(model, image, places, particles, seed + run, look_ahead=look_ahead)
        for run in runs
    ]
    both = pooled(found)
    log_observed = float(both.log_observed[0])
    error, bound = error_of(np.array([each.log_observed[0] for each in found]))
    chains = refine(model, image, both, samples, 0, seed, block, move_particles)
    marginals = []
    for move in moves:
        chains = refine(
            model, image, chains, samples, 1, seed + move, block, move_particles, look_ahead
        )
        marginals.append(chains.marginals[0])
    size = float(both.effective_sample_size[0, hidden[-1] :].min())
    by_particles = not marginals or (look_ahead is not None and size > samples)
    order = np.argsort(-chains.log_likelihood[0], kind="stable")
    best = max((both, chains), key=lambda each: each.log_likelihood.max())
    return Completed(
        hidden=hidden,
        samples=chains.values[0, order],
        log_likelihood=chains.log_likelihood[0, order],
        map_completion=best.map_completion[0],
        marginals=both.marginals[0] if by_particles else np.mean(marginals, axis=0),
        log_observed=log_observed,
        log_observed_error=error,
        log_observed_interval=(log_observed - bound, log_observed + bound),
        effective_sample_size=size,
    )
