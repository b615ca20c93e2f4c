"""Sequential Monte Carlo: the posterior of any hidden pixels, given all others.

P particles go through the pixels in raster order. A hidden pixel is drawn from the model,
systematically over the particles in the order of their weights. An observed one weights each
particle by the probability that it gave to the value seen. Before a pixel is drawn, particles are
resampled where their effective number has fallen below half of them. In a small hole nothing is
drawn: particles branch (``inference.resampling``), which enumerates completions as far as P
particles can. Over a long hole branching would keep too many improbable ones. The mean weight at
the end estimates p(observed), without bias; the weighted particles are the posterior (Doucet and
Johansen 2011, "A tutorial on particle filtering and smoothing").

A look-ahead (``models.look_ahead``) draws the hidden pixels in place of the model, or weights the
branches. Observed pixels then change no weight until the last hidden pixel, and no drawn particle
is resampled. There each particle is weighted by p(pixels so far) / q(hidden ones), and the rest
goes on as before.

The pixels before an image's first hidden one are read once for each image, those after the last in
whole segments. Images whose pixels are hidden alike go in groups. Memory is that of ``ROWS``
sequences: where an image has more particles, they form separate populations, each weighted by its
own estimate of p(observed), which leaves the whole unbiased. ``inference.particle_steps`` has the
loop over pixels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from scanline.holes.sets import check_hidden, filled
from scanline.inference.likelihood import STEPS_IN_MEMORY, read_steps
from scanline.inference.particle_steps import advance, observe
from scanline.models.look_ahead import LookAhead, read_observed
from scanline.models.predictor import Predictor

ROWS = 4096  # sequences that advance together
# Hidden pixels. With 128 particles, the standard deviation of log p(observed) is by branching and
# by drawing 0.09 and 0.35 nats for a run of 28 (gru-32), 0.39 and 0.34 for 8 x 8 (gru-128).
BRANCH_UP_TO = 32


class Particles(NamedTuple):
    """N images with k hidden pixels each, P weighted completions of each."""

    hidden: np.ndarray  # int [N, k], flat indices, ascending
    values: np.ndarray  # uint8 [N, P, k]
    log_weights: np.ndarray  # float64 [N, P], normalised; -inf where a completion does not count
    log_likelihood: np.ndarray  # float64 [N, P], of the completed image, nats
    log_observed: np.ndarray  # float64 [N], log of the unbiased estimate of p(observed), nats
    effective_sample_size: np.ndarray  # float64 [N, T], of the weights after each step

    @property
    def marginals(self) -> np.ndarray:
        """p(hidden pixel is ink | observed), float64 [N, k]."""
        marginals = np.einsum("np,npk->nk", np.exp(self.log_weights), self.values)
        return np.minimum(marginals, 1)  # a sum of rounded weights

    @property
    def map_completion(self) -> np.ndarray:
        """The values of the particle whose image is the most probable, uint8 [N, k]."""
        best = np.argmax(self.log_likelihood, axis=1)
        return self.values[np.arange(len(best)), best]


def smc_posterior(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    particles: int,
    seed: int,
    reference: np.ndarray | None = None,
    look_ahead: LookAhead | None = None,
) -> Particles:
    """The posterior of the ``hidden`` [N, k] pixels (flat indices, ascending) of each image.

    ``pixels`` uint8 [N, T]; their values at ``hidden`` are not read. Draws depend on ``seed`` and
    on the image's place, not on how images are grouped (but for rounding, where two particles weigh
    nearly the same). With a ``reference`` [N, k], particle 0 has its values, as particle Gibbs
    needs it; p(observed) is then not estimated without bias. A ``look_ahead`` must be the model's.
    Raises ValueError where ``hidden`` is no such set, or for a number or a seed that is not
    allowed.
    """
    check_hidden(hidden, pixels.shape)
    if particles < 1:
        raise ValueError(f"particles is {particles}; allowed: 1 and above")
    if seed < 0:
        raise ValueError(f"seed is {seed}; allowed: 0 and above")
    if reference is not None and particles > ROWS:
        raise ValueError(f"particles is {particles}; with a reference at most {ROWS} are allowed")
    populations = [
        _population(
            model,
            pixels,
            hidden,
            min(ROWS, particles - first),
            (seed, first),
            reference,
            look_ahead,
        )
        for first in range(0, particles, ROWS)
    ]
    return populations[0] if len(populations) == 1 else pooled(populations)


def beam_search(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    width: int,
    look_ahead: LookAhead | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The best completions that a beam finds: uint8 [N, k], and log p of their images [N], nats.

    At each hidden pixel the ``width`` most probable beginnings of the image live on; with a
    ``look_ahead`` the most probable by it. ``pixels`` and ``hidden`` as in ``smc_posterior``.
    """
    check_hidden(hidden, pixels.shape)
    if not 1 <= width <= ROWS:
        raise ValueError(f"width is {width}; allowed: 1 to {ROWS}")
    found = _population(model, pixels, hidden, width, None, None, look_ahead)
    return found.map_completion, found.log_likelihood.max(axis=1)


def pooled(populations: Sequence[Particles]) -> Particles:
    """One set of particles of several populations of the same images and hidden pixels.

    An image's are weighted by their sizes and estimates of p(observed), so that the mean of the
    estimates is the whole's, without bias.
    """
    sizes = np.array([each.values.shape[1] for each in populations])[:, None]
    estimates = np.stack([each.log_observed for each in populations]) + np.log(sizes / sizes.sum())
    log_observed = np.logaddexp.reduce(estimates)
    log_shares = (estimates - log_observed)[..., None]
    joined = {
        name: np.concatenate([getattr(each, name) for each in populations], axis=1)
        for name in ("values", "log_likelihood")
    }
    ess = np.stack([each.effective_sample_size for each in populations])
    return Particles(
        hidden=populations[0].hidden,
        log_weights=np.concatenate(
            [
                each.log_weights + log_share
                for each, log_share in zip(populations, log_shares, strict=True)
            ],
            axis=1,
        ),
        log_observed=log_observed,
        effective_sample_size=1 / (np.exp(2 * log_shares) / ess).sum(axis=0),
        **joined,
    )


def _population(model, pixels, hidden, particles, seeds, reference, look_ahead) -> Particles:
    """The particles of all images, a group of them at a time; a beam where ``seeds`` is None."""
    model.check_labels(None)
    images = len(pixels)
    # By the last hidden pixel first, as inference.exact has it.
    order = np.lexsort(hidden.T) if hidden.shape[1] else np.arange(images)
    group = max(ROWS // particles, 1)
    found = []
    for first in range(0, images, group):
        members = order[first : first + group]
        places, kept = hidden[members], None if reference is None else reference[members]
        draws = None
        if seeds is not None:
            own = [(*seeds, n) for n in members]
            draws = _draws(places, own, pixels.shape[1], particles, kept)
        known = filled(
            pixels[members].astype(np.uint8),
            places,
            np.zeros_like(places) if kept is None else kept,
        )
        found.append(_group(model, known, places, particles, draws, look_ahead))
    back = np.argsort(order)
    return Particles(*(np.concatenate(field)[back] for field in zip(*found, strict=True)))


def _draws(hidden, seeds, size, particles, reference) -> tuple[np.ndarray, ...]:
    """Uniform numbers by step, image and particle, float32 [T, N, P]: for resampling, for pixels.

    Where particles branch, only by step and image, float64 [T, N]. An image's come from its own
    seed. Draws are systematic (one number for all particles); with a reference they are independent
    but for particle 0, whose numbers make it its own parent, and its pixels the reference's.
    """
    count = hidden.shape[1]
    generators = [np.random.Generator(np.random.Philox(np.random.SeedSequence(s))) for s in seeds]
    if count <= BRANCH_UP_TO and reference is None:
        uniform = np.zeros((size, len(seeds)))
        for n, generator in enumerate(generators):
            uniform[hidden[n], n] = generator.random(count)
        return (uniform,)
    teeth = np.zeros((size, len(seeds), particles), np.float32)
    pixel = np.zeros((size, len(seeds), particles), np.float32)
    for n, generator in enumerate(generators):
        if reference is None:
            teeth[hidden[n], n] = (np.arange(particles) + generator.random((count, 1))) / particles
            pixel[hidden[n], n] = generator.random((count, 1))
        else:
            teeth[hidden[n], n] = generator.random((count, particles))
            pixel[hidden[n], n] = generator.random((count, particles))
            teeth[hidden[n], n, 0] = 0
            pixel[hidden[n], n, 0] = np.where(reference[n] > 0, -1, 2)
    return teeth, pixel


def _group(model, known, hidden, particles, draws, look_ahead) -> Particles:
    """Particles of images that advance together; ``known`` [N, T] has some values at ``hidden``."""
    images, size = known.shape
    count = hidden.shape[1]
    # Where nothing is hidden, any first step serves.
    start, stop = (int(hidden.min()), int(hidden.max()) + 1) if count else (0, 1)
    is_hidden = np.zeros((size, images), bool)
    is_hidden[hidden, np.arange(images)[:, None]] = True
    ahead = look_ahead and (look_ahead, read_observed(look_ahead, known, is_hidden.T))
    before, states = read_steps(model, known, 0, start, model.zero_states(images))
    log_likelihood = np.repeat(before[:, None], particles, axis=1)
    one = draws is None or len(draws) == 1  # a beam or a branching particle begins as one
    log_weights = log_likelihood - (0 if one else np.log(particles))
    if one:
        log_weights[:, 1:] = -np.inf
    rows = np.repeat(known, particles, axis=0)
    seen = np.zeros((size + 1, len(rows)), np.uint8)  # row 0: the start token
    seen[1:] = rows.T
    ess = np.empty((images, size))
    ess[:, :start] = 1 if one else particles
    drawn, parents, sizes, states, weights, likelihood = advance(
        model,
        tf.constant(seen),
        tf.constant(is_hidden),
        tf.constant(start),
        tf.constant(stop),
        tuple(tf.repeat(state, particles, axis=0) for state in states),
        tf.constant(log_weights),
        tf.constant(log_likelihood),
        None if draws is None else tuple(map(tf.constant, draws)),
        ahead,
    )
    ess[:, start:stop] = sizes.numpy().T
    values = _traced(drawn.numpy(), parents.numpy(), hidden - start)
    rows = filled(rows, np.repeat(hidden, particles, axis=0), values.reshape(len(rows), count))
    block = max(STEPS_IN_MEMORY // len(rows), 1)
    for t in range(stop, size, block):
        end = min(t + block, size)
        weights, likelihood, sizes, states = observe(
            model, tf.constant(rows), tf.constant(t), tf.constant(end), states, weights, likelihood
        )
        ess[:, t:end] = sizes.numpy()
    log_observed = np.logaddexp.reduce(weights.numpy(), axis=1)
    return Particles(
        hidden=hidden,
        values=values,
        log_weights=weights.numpy() - log_observed[:, None],
        log_likelihood=likelihood.numpy(),
        log_observed=log_observed,
        effective_sample_size=ess,
    )


def _traced(drawn: np.ndarray, parents: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each particle's own values at ``places`` [N, k] of the steps: uint8 [N, P, k].

    ``drawn`` and ``parents`` [S, N, P] are the pixels and the particles they come from, by step.
    """
    steps, images, particles = drawn.shape
    paths = np.empty((images, particles, steps), np.uint8)
    particle = np.tile(np.arange(particles), (images, 1))
    for t in range(steps - 1, -1, -1):
        paths[:, :, t] = np.take_along_axis(drawn[t], particle, axis=1)
        particle = np.take_along_axis(parents[t], particle, axis=1)
    return np.take_along_axis(paths, places[:, None, :], axis=2)
