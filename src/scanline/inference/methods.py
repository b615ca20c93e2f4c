"""Ways to fill a hole, each as a forecast: by the pixels before, by all observed, by training.

``pixels`` [N, T] hold the true values at ``hidden`` [N, k]; a method reads them there only to say
how probable it had held the truth.
"""

from collections.abc import Callable

import numpy as np

from scanline.holes.sets import values_at
from scanline.inference.ancestral import prefix_completions
from scanline.inference.baselines import ink_frequencies, nearest_images
from scanline.inference.exact import exact_posterior
from scanline.inference.forecast import Forecast
from scanline.inference.gibbs import gibbs_posterior
from scanline.inference.likelihood import log_likelihoods
from scanline.inference.particle_gibbs import refine
from scanline.inference.resampling import draw_by_weight
from scanline.inference.smc import Particles, beam_search, smc_posterior
from scanline.models.predictor import Predictor

Method = Callable[[np.ndarray, np.ndarray], Forecast]


def methods(
    model: Predictor,
    training: np.ndarray,
    hidden_pixels: int,
    *,
    exact_pixels: int,
    particles: int,
    chains: int,
    moves: int,
    sweeps: int,
    samples: int,
    seed: int,
) -> dict[str, Method]:
    """The ways to fill a hole of so many ``hidden_pixels``, by name: of (pixels, hidden).

    Up to ``exact_pixels`` the posterior is enumerated (``exact``), beyond sampled by ``particles``
    (``smc``), of which ``chains`` go on for so many ``moves`` of particle Gibbs (``mcmc``). Gibbs
    sampling (``gibbs``) has as many chains and so many ``sweeps``. ``training`` [M, T] are the
    training images.
    """
    if hidden_pixels <= exact_pixels:
        posterior = {
            "exact": lambda pixels, hidden: by_exact_posterior(model, pixels, hidden, samples, seed)
        }
    else:
        posterior = {
            "smc": lambda pixels, hidden: by_smc(model, pixels, hidden, particles, samples, seed),
            "mcmc": lambda pixels, hidden: by_mcmc(
                model, pixels, hidden, particles, chains, moves, seed
            ),
        }
    return {
        "prefix": lambda pixels, hidden: by_prefix(model, pixels, hidden, samples, seed),
        **posterior,
        "gibbs": lambda pixels, hidden: by_gibbs(model, pixels, hidden, chains, sweeps, seed),
        "nearest_image": lambda pixels, hidden: by_nearest_image(pixels, hidden, training),
        "pixel_frequencies": lambda pixels, hidden: by_pixel_frequencies(pixels, hidden, training),
    }


def by_prefix(
    model: Predictor, pixels: np.ndarray, hidden: np.ndarray, samples: int, seed: int
) -> Forecast:
    """From the pixels before alone, as the report completes: best is greedy, p(ink) by sampling.

    The truth's probability is teacher-forced: each true pixel given the true ones before it.
    """
    found = prefix_completions(model, pixels, hidden, samples, seed)
    return Forecast(found.greedy, found.marginals, found.samples, found.log_probs.sum(axis=1))


def by_exact_posterior(
    model: Predictor, pixels: np.ndarray, hidden: np.ndarray, samples: int, seed: int
) -> Forecast:
    """From all observed pixels, by enumeration."""
    found = exact_posterior(model, pixels, hidden)
    true_index = found.index_of(values_at(pixels, hidden))[:, None]
    return Forecast(
        best=found.map_completion,
        marginals=found.marginals,
        samples=found.completions[_places(found.log_posterior, samples, seed)],
        log_prob=np.take_along_axis(found.log_posterior, true_index, axis=1)[:, 0],
    )


def by_smc(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    particles: int,
    samples: int,
    seed: int,
) -> Forecast:
    """From all observed pixels, by sequential Monte Carlo.

    Best is the most probable of all particles and of a beam search as wide as they are many.
    """
    found = smc_posterior(model, pixels, hidden, particles, seed)
    beam, nats = beam_search(model, pixels, hidden, particles)
    better = nats > found.log_likelihood.max(axis=1)
    log_likelihood = log_likelihoods(model, pixels)
    places = _places(found.log_weights, samples, seed)
    log_observed = log_observed_at_least(found, log_likelihood, values_at(pixels, hidden))
    return Forecast(
        best=np.where(better[:, None], beam, found.map_completion),
        marginals=found.marginals,
        samples=np.take_along_axis(found.values, places[:, :, None], axis=1),
        log_prob=log_likelihood - log_observed,
    )


def by_mcmc(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    particles: int,
    chains: int,
    moves: int,
    seed: int,
) -> Forecast:
    """From all observed pixels: chains of particle Gibbs, begun from sequential Monte Carlo."""
    found = smc_posterior(model, pixels, hidden, particles, seed)
    return _of_chains(refine(model, pixels, found, chains, moves, seed))


def by_gibbs(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    chains: int,
    sweeps: int,
    seed: int,
) -> Forecast:
    """From all observed pixels: chains that draw one pixel at a time, begun from the prefix."""
    return _of_chains(gibbs_posterior(model, pixels, hidden, chains, seed, sweeps))


def log_observed_at_least(
    particles: Particles, log_likelihood: np.ndarray, truth: np.ndarray
) -> np.ndarray:
    """The estimate of log p(observed) [N], or the sum over known completions where that is more.

    The estimate of p(observed) is unbiased, so that of its logarithm is too low on average, which
    flatters the truth. But p(observed) is no less than the sum of p(image) over the different
    completions that are known: the particles', and the ``truth`` [N, k] of ``log_likelihood`` [N].
    """
    known = np.concatenate([truth[:, None], particles.values], axis=1)
    nats = np.concatenate([log_likelihood[:, None], particles.log_likelihood], axis=1)
    first = [np.unique(values, axis=0, return_index=True)[1] for values in known]
    bounds = [np.logaddexp.reduce(each[i]) for each, i in zip(nats, first, strict=True)]
    return np.maximum(particles.log_observed, bounds)


def by_nearest_image(pixels: np.ndarray, hidden: np.ndarray, training: np.ndarray) -> Forecast:
    """The hidden pixels of the nearest of the ``training`` images [M, T] (inference.baselines)."""
    nearest = training[nearest_images(pixels, hidden, training)]
    values = np.take_along_axis(nearest, hidden, axis=1)
    return Forecast(values, values.astype(np.float64), _none_of(values), _unknown(values))


def by_pixel_frequencies(pixels: np.ndarray, hidden: np.ndarray, training: np.ndarray) -> Forecast:
    """Every pixel by itself: how often it is ink in the ``training`` images [M, T]."""
    marginals = ink_frequencies(training)[hidden]
    best = (marginals > 0.5).astype(np.uint8)
    log_probs = np.log(np.where(values_at(pixels, hidden) == 1, marginals, 1 - marginals))
    return Forecast(best, marginals, _none_of(best), log_probs.sum(axis=1))


def _none_of(values: np.ndarray) -> np.ndarray:
    """No samples of ``values`` [N, k]: [N, 0, k]."""
    return np.empty((len(values), 0, values.shape[1]), np.uint8)


def _unknown(values: np.ndarray) -> np.ndarray:
    """No log-probability of the truth, for each image of ``values`` [N, k]: NaN [N]."""
    return np.full(len(values), np.nan)


def _of_chains(ends: Particles) -> Forecast:
    """By the ends of chains; they say nothing of p(observed)."""
    best = ends.map_completion
    return Forecast(best, ends.marginals, ends.values, _unknown(best))


def _places(log_weights: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """``samples`` places an image, drawn by its weights [N, C]: int [N, samples]."""
    uniform = np.random.Generator(np.random.Philox(seed)).random((len(log_weights), samples))
    return draw_by_weight(log_weights, uniform)
