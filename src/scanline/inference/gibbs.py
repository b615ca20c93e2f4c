"""Gibbs sampling: one hidden pixel at a time is drawn given all others.

Both of its values are scored by the whole likelihood from that pixel on. It is the baseline of
particle Gibbs: slow, and stuck where two pixels must change together.
"""

import numpy as np
from scipy.special import expit

from scanline.holes.sets import check_hidden, filled, values_at
from scanline.inference.likelihood import read_steps
from scanline.inference.smc import ROWS, Particles, smc_posterior
from scanline.models.predictor import Predictor


def gibbs_posterior(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    chains: int,
    seed: int,
    sweeps: int,
) -> Particles:
    """The last states of each image's ``chains`` chains, after ``sweeps`` sweeps over the hole.

    A chain begins with hidden pixels drawn given only those before. Arguments and errors are those
    of ``smc_posterior``; p(observed) is not estimated (NaN).
    """
    if sweeps < 0:
        raise ValueError(f"sweeps is {sweeps}; allowed: 0 and above")
    check_hidden(hidden, pixels.shape)
    images, count = hidden.shape
    places = np.repeat(hidden, chains, axis=0)
    begun = smc_posterior(model, np.repeat(pixels, chains, axis=0), places, 1, seed)
    values = begun.values[:, 0]
    log_likelihood = begun.log_likelihood[:, 0]
    uniform = np.concatenate(
        [np.random.default_rng((seed, n)).random((chains, sweeps, count)) for n in range(images)]
    )
    for first in range(0, len(places), ROWS):
        part = slice(first, first + ROWS)
        rows = filled(np.repeat(pixels, chains, axis=0)[part], places[part], values[part])
        for sweep in range(sweeps):
            rows, log_likelihood[part] = _swept(
                model, rows, places[part], log_likelihood[part], uniform[part, sweep]
            )
        values[part] = values_at(rows, places[part])
    return Particles(
        hidden=hidden,
        values=values.reshape(images, chains, count),
        log_weights=np.full((images, chains), -np.log(chains)),
        log_likelihood=log_likelihood.reshape(images, chains),
        log_observed=np.full(images, np.nan),
        effective_sample_size=np.full(pixels.shape, float(chains)),
    )


def _swept(model, rows, hidden, log_likelihood, uniform) -> tuple[np.ndarray, np.ndarray]:
    """``rows`` [B, T] and log p of each after all hidden pixels were drawn in turn."""
    every = np.arange(len(rows))
    states, before, at = model.zero_states(len(rows)), np.zeros(len(rows)), 0
    for j, place in enumerate(hidden.T):
        start = int(place.min())
        added, states = read_steps(model, rows, at, start, states)
        before, at = before + added, start
        flipped = rows.copy()
        flipped[every, place] ^= 1
        other = before + read_steps(model, flipped, start, rows.shape[1], states)[0]
        takes = uniform[:, j] < expit(other - log_likelihood)
        rows = np.where(takes[:, None], flipped, rows)
        log_likelihood = np.where(takes, other, log_likelihood)
    return rows, log_likelihood
