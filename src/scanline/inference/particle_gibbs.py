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

from scanline.holes.sets import filled
from scanline.inference.resampling import draw_by_weight
from scanline.inference.smc import Particles, smc_posterior
from scanline.models.predictor import Predictor


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
    chosen = draw_by_weight(found.log_weights, comb)
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
        taken = draw_by_weight(again.log_weights, number)
        np.put_along_axis(
            values, inside, np.take_along_axis(again.values, taken[:, :, None], axis=1)[:, 0], 1
        )
        log_likelihood = np.take_along_axis(again.log_likelihood, taken, axis=1)[:, 0]
    return found._replace(
        values=values.reshape(images, chains, count),
        log_weights=np.full((images, chains), -np.log(chains)),
        log_likelihood=log_likelihood.reshape(images, chains),
    )


def _nearest(hidden: np.ndarray, centre: int, count: int, columns: int) -> np.ndarray:
    """Which of ``hidden`` [N, k] lie nearest to the ``centre``-th: int [N, at most count]."""
    row, column = np.divmod(hidden, columns)
    distance = (row - row[:, [centre]]) ** 2 + (column - column[:, [centre]]) ** 2
    return np.sort(np.argsort(distance, axis=1, kind="stable")[:, :count], axis=1)
