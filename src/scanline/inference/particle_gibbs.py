"""Particle Gibbs: Markov chains on the hidden pixels, with the posterior as their limit.

A move draws a block of hidden pixels anew, given all others, by sequential Monte Carlo in which the
present values are one of the particles (conditional SMC; Andrieu, Doucet and Holenstein 2010,
doi:10.1111/j.1467-9868.2009.00736.x). It repairs what plain SMC leaves of a long hole: many
observed pixels after the hole let few particles of different beginnings live. A block is the hidden
pixels nearest to one of them, so that what is drawn together lies together, whatever the hole's
shape.
"""

import numpy as np

from scanline.holes.sets import filled, values_at
from scanline.inference.resampling import draw_by_weight
from scanline.inference.smc import Particles, smc_posterior
from scanline.models.look_ahead import LookAhead
from scanline.models.predictor import Predictor


def refine(
    model: Predictor,
    pixels: np.ndarray,
    found: Particles,
    chains: int,
    moves: int,
    seed: int,
    block: int,
    particles: int,
    look_ahead: LookAhead | None = None,
) -> Particles:
    """``chains`` draws from the particles ``found``, each moved ``moves`` times: equal weights.

    In a move ``block`` hidden pixels (all, where there are fewer) are drawn anew with ``particles``
    particles, which a ``look_ahead`` may propose. ``pixels`` [N, T] as ``smc_posterior`` had them.
    The estimate of p(observed) and the effective sample sizes are those of ``found``. Raises
    ValueError for a number below 1, or ``particles`` below 2.
    """
    for name, value, least in (("chains", chains, 1), ("block", block, 1), ("moves", moves, 0)):
        if value < least:
            raise ValueError(f"{name} is {value}; allowed: {least} and above")
    if particles < 2:
        raise ValueError(
            f"particles is {particles}; allowed: 2 and above, the present one included"
        )
    images, count = found.hidden.shape
    generators = [np.random.default_rng((seed, n)) for n in range(images)]
    values, log_likelihood = _begun(found, chains, generators)
    hidden = np.repeat(found.hidden, chains, axis=0)
    rows = np.repeat(pixels.astype(np.uint8), chains, axis=0)
    for move in range(moves if count else 0):
        centre = int(np.random.default_rng((seed, images, move)).integers(count))
        inside = _nearest(found.hidden, centre, block, model.orientation.shape[1])
        inside = np.repeat(inside, chains, axis=0)
        again = smc_posterior(
            model,
            filled(rows, hidden, values),
            values_at(hidden, inside),
            particles,
            int(np.random.SeedSequence((seed, move)).generate_state(1)[0]),
            reference=values_at(values, inside),
            look_ahead=look_ahead,
        )
        uniform = np.concatenate([each.random((chains, 1)) for each in generators])
        taken = draw_by_weight(again.log_weights, uniform)
        drawn = np.take_along_axis(again.values, taken[:, :, None], axis=1)[:, 0]
        values = filled(values, inside, drawn)
        log_likelihood = np.take_along_axis(again.log_likelihood, taken, axis=1)[:, 0]
    return found._replace(
        values=values.reshape(images, chains, count),
        log_weights=np.full((images, chains), -np.log(chains)),
        log_likelihood=log_likelihood.reshape(images, chains),
    )


def _begun(found: Particles, chains: int, generators) -> tuple[np.ndarray, np.ndarray]:
    """Each image's ``chains`` drawn from its particles, systematically: values, log p of images.

    Of all images one after the other: [N * chains, k] and [N * chains].
    """
    first = np.stack([each.random() for each in generators])
    comb = (np.arange(chains) + first[:, None]) / chains
    chosen = draw_by_weight(found.log_weights, comb)
    values = np.take_along_axis(found.values, chosen[:, :, None], axis=1)
    log_likelihood = np.take_along_axis(found.log_likelihood, chosen, axis=1)
    return values.reshape(log_likelihood.size, -1), log_likelihood.reshape(-1)


def _nearest(hidden: np.ndarray, centre: int, count: int, columns: int) -> np.ndarray:
    """Which of ``hidden`` [N, k] lie nearest to the ``centre``-th: int [N, at most count]."""
    row, column = np.divmod(hidden, columns)
    distance = (row - row[:, [centre]]) ** 2 + (column - column[:, [centre]]) ** 2
    return np.sort(np.argsort(distance, axis=1, kind="stable")[:, :count], axis=1)
