"""Markov chains on the hidden pixels, whose stationary distribution is the posterior.

``refine``: particle Gibbs by blocks. A block of hidden pixels is drawn anew given all others by
sequential Monte Carlo in which the present values are one of the particles (conditional SMC;
Andrieu, Doucet and Holenstein 2010, doi:10.1111/j.1467-9868.2009.00736.x). It repairs what plain
SMC leaves of a long hole: many observed pixels after the hole let few particles of different
beginnings live. A block is the hidden pixels nearest to one of them, so that what is drawn together
lies together, whatever the hole's shape.

``gibbs_posterior``: single pixels, each drawn given all others; both values are scored by the whole
likelihood from that pixel on. The baseline: slow, and stuck where two pixels must change together.
"""

import numpy as np

from scanline.posterior import check_hidden_sets, filled, read_steps
from scanline.predictor import Predictor
from scanline.smc import ROWS, Particles, smc_posterior


def refine(
    model: Predictor,
    pixels: np.ndarray,
    found: Particles,
    chains: int,
    moves: int,
    seed: int,
    block: int = 16,
    particles: int = 16,
) -> Particles:
    """``chains`` draws from the particles ``found``, each moved ``moves`` times: equal weights.

    In a move ``block`` hidden pixels (all, where there are fewer) are drawn anew with ``particles``
    particles. ``pixels`` [N, T] as ``smc_posterior`` had them. The estimate of p(observed) and the
    effective sample sizes are those of ``found``. Raises ValueError for a number below 1, or
    ``particles`` below 2.
    """
    for name, value, least in (("chains", chains, 1), ("block", block, 1), ("moves", moves, 0)):
        if value < least:
            raise ValueError(f"{name} is {value}; allowed: {least} and above")
    if particles < 2:
        raise ValueError(
            f"particles is {particles}; allowed: 2 and above, the present one included"
        )
    images, count = found.hidden.shape
    uniform = [np.random.default_rng((seed, n)) for n in range(images)]
    first = np.stack([each.random() for each in uniform])
    comb = (np.arange(chains) + first[:, None]) / chains
    chosen = drawn(found.log_weights, comb)
    values = np.take_along_axis(found.values, chosen[:, :, None], axis=1)
    values = values.reshape(images * chains, count)
    log_likelihood = np.take_along_axis(found.log_likelihood, chosen, axis=1).reshape(-1)
    hidden = np.repeat(found.hidden, chains, axis=0)
    rows = np.repeat(pixels.astype(np.uint8), chains, axis=0)
    for move in range(moves if count else 0):
        centre = int(np.random.default_rng((seed, images, move)).integers(count))
        inside = np.repeat(
            _nearest(found.hidden, centre, block, model.pixels["columns"]), chains, axis=0
        )
        places = np.take_along_axis(hidden, inside, axis=1)
        again = smc_posterior(
            model,
            filled(rows, hidden, values),
            places,
            particles,
            int(np.random.SeedSequence((seed, move)).generate_state(1)[0]),
            reference=np.take_along_axis(values, inside, axis=1),
        )
        number = np.concatenate([each.random((chains, 1)) for each in uniform])
        taken = drawn(again.log_weights, number)
        np.put_along_axis(
            values, inside, np.take_along_axis(again.values, taken[:, :, None], axis=1)[:, 0], 1
        )
        log_likelihood = np.take_along_axis(again.log_likelihood, taken, axis=1)[:, 0]
    return found._replace(
        values=values.reshape(images, chains, count),
        log_weights=np.full((images, chains), -np.log(chains)),
        log_likelihood=log_likelihood.reshape(images, chains),
    )


def gibbs_posterior(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    particles: int,
    seed: int,
    sweeps: int = 10,
) -> Particles:
    """The ends of ``particles`` chains an image of ``sweeps`` sweeps over its hidden pixels.

    A chain begins with hidden pixels drawn given those before alone. Arguments and errors as of
    ``smc_posterior``; p(observed) is not estimated (NaN).
    """
    if sweeps < 0:
        raise ValueError(f"sweeps is {sweeps}; allowed: 0 and above")
    check_hidden_sets(hidden, pixels.shape, limit=None)
    images, count = hidden.shape
    places = np.repeat(hidden, particles, axis=0)
    begun = smc_posterior(model, np.repeat(pixels, particles, axis=0), places, 1, seed)
    values = begun.values[:, 0]
    log_likelihood = begun.log_likelihood[:, 0]
    uniform = np.concatenate(
        [np.random.default_rng((seed, n)).random((particles, sweeps, count)) for n in range(images)]
    )
    for first in range(0, len(places), ROWS):
        part = slice(first, first + ROWS)
        rows = filled(np.repeat(pixels, particles, axis=0)[part], places[part], values[part])
        for sweep in range(sweeps):
            rows, log_likelihood[part] = _swept(
                model, rows, places[part], log_likelihood[part], uniform[part, sweep]
            )
        values[part] = np.take_along_axis(rows, places[part], axis=1)
    return Particles(
        hidden=hidden,
        values=values.reshape(images, particles, count),
        log_weights=np.full((images, particles), -np.log(particles)),
        log_likelihood=log_likelihood.reshape(images, particles),
        log_observed=np.full(images, np.nan),
        effective_sample_size=np.full(pixels.shape, float(particles)),
    )


def drawn(log_weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The particles int [N, M] that numbers in [0, 1) ``uniform`` [N, M] draw by weight."""
    edges = np.cumsum(np.exp(log_weights), axis=1)
    return (uniform[:, :, None] * edges[:, None, -1:] >= edges[:, None, :]).sum(axis=2)


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
        takes = uniform[:, j] < 1 / (1 + np.exp(np.clip(log_likelihood - other, -700, 700)))
        rows = np.where(takes[:, None], flipped, rows)
        log_likelihood = np.where(takes, other, log_likelihood)
    return rows, log_likelihood


def _nearest(hidden: np.ndarray, centre: int, count: int, columns: int) -> np.ndarray:
    """Which of ``hidden`` [N, k] lie nearest to the ``centre``-th: int [N, at most count]."""
    row, column = np.divmod(hidden, columns)
    distance = (row - row[:, [centre]]) ** 2 + (column - column[:, [centre]]) ** 2
    return np.sort(np.argsort(distance, axis=1, kind="stable")[:, :count], axis=1)
