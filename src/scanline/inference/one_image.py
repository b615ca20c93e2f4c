"""One image with a hole, completed: samples by likelihood, marginals, entropy.

A small hole gets its exact posterior. One at the end of the image takes independent draws, which
are exact, pixel by pixel. For any other, several independent runs of sequential Monte Carlo
estimate p(observed), and their spread gives its interval. Their pooled particles are the posterior,
and where these are worth fewer independent draws than there are samples, each sample begins a chain
of particle Gibbs.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats
from tqdm import tqdm

from scanline.data.orientation import Orientation
from scanline.inference.classes import over_classes
from scanline.inference.drawn_classes import complete_over_classes
from scanline.inference.exact import exact_posterior
from scanline.inference.likelihood import read_steps
from scanline.inference.log_odds import log_prob
from scanline.inference.particle_gibbs import refine
from scanline.inference.resampling import draw_by_weight
from scanline.inference.smc import Particles, pooled, smc_posterior
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
    effective_sample_size: float  # of draws; what pooled particles are ``worth``; infinite if exact
    method: Literal["exact", "prefix", "smc", "particle_gibbs"]  # what was done

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
        method="exact",
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
        method="prefix",
    )


def worth(runs: Sequence[Particles]) -> float:
    """How many independent draws the pooled particles of an image's independent ``runs`` are worth.

    It is their effective number in the end, or fewer, if p(ink) spreads more between the runs.
    Resampling inside a hole leaves weights equal and beginnings few, of which the weights know
    nothing.
    """
    both = pooled(runs)
    size = float(both.effective_sample_size[0, -1])
    shares = np.exp([each.log_observed - both.log_observed for each in runs]) / len(runs)  # [R, 1]
    ink, squares = both.marginals[0], float((shares**2).sum())
    apart = float((shares * ([each.marginals[0] for each in runs] - ink) ** 2).sum())
    # Summed over pixels, the variance of one run is apart / (1 - squares), and that of the pooled
    # ones so many squares of it; that of n draws is ink * (1 - ink) / n.
    of_one = float((ink * (1 - ink)).sum())
    if not (apart and of_one):  # all agree; a sum of rounded weights may differ
        return size
    return min(size, max(of_one * (1 - squares) / (squares * apart), 1.0))


def complete_by_sampling(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    samples: int,
    particles: int,
    runs: int,
    moves: int,
    block: int,
    move_particles: int,
    seed: int,
    look_ahead: LookAhead | None = None,
) -> Completed:
    """``pixels`` [T] with its ``hidden`` [k] pixels from SMC, or from particle Gibbs after it.

    Each of ``runs``, two at least, has ``particles`` particles, and a seed of its own. Samples and
    marginals are the pooled particles' where these are ``worth`` as many draws as there are
    ``samples``. Else each sample goes through ``moves`` moves of particle Gibbs, which draw
    ``block`` hidden pixels anew with ``move_particles`` particles, and marginals are over all
    chains after each move. All runs count for p(observed), however their worth turns out, so its
    estimate has no bias.
    """
    image, places = pixels[None], hidden[None]
    found = [
        smc_posterior(model, image, places, particles, seed + run, look_ahead=look_ahead)
        for run in tqdm(range(runs), "runs", disable=None)
    ]
    both, size = pooled(found), worth(found)
    log_observed = float(both.log_observed[0])
    error, bound = error_of(np.array([each.log_observed[0] for each in found]))
    chains = refine(model, image, both, samples, 0, seed, block, move_particles)
    marginals = []
    if size < samples:
        for move in tqdm(range(moves), "moves", disable=None):
            chains = refine(
                model, image, chains, samples, 1, seed + move, block, move_particles, look_ahead
            )
            marginals.append(chains.marginals[0])
    order = np.argsort(-chains.log_likelihood[0], kind="stable")
    best = max((both, chains), key=lambda each: each.log_likelihood.max())
    return Completed(
        hidden=hidden,
        samples=chains.values[0, order],
        log_likelihood=chains.log_likelihood[0, order],
        map_completion=best.map_completion[0],
        marginals=np.mean(marginals, axis=0) if marginals else both.marginals[0],
        log_observed=log_observed,
        log_observed_error=error,
        log_observed_interval=(log_observed - bound, log_observed + bound),
        effective_sample_size=size,
        method="particle_gibbs" if marginals else "smc",
    )
