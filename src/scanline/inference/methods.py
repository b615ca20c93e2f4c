"""Ways to fill a hole, each as a forecast: by the pixels before, by all observed, by training.

``METHODS`` lists them. A new way is a function here, an entry of the list, and a label in
``evaluation.words``. A setting of its own is a field of ``SamplerSettings``, and a key of
``posterior`` in config.yaml and in its schema. ``check`` compares these when the study starts. It
must be quick, so what needs TensorFlow is imported by the functions that use it.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scanline.holes.sets import at_the_end, values_at
from scanline.inference.baselines import ink_frequencies, nearest_images
from scanline.inference.forecast import Forecast

if TYPE_CHECKING:
    from scanline.inference.smc import Particles
    from scanline.models.look_ahead import LookAhead
    from scanline.models.predictor import Predictor

HERE = "src/scanline/inference/methods.py"
# Kinds of holes: of few pixels, whose completions are all weighed; of more, read last by the model,
# so that draws are from the posterior; all others, which are filled by weighted draws.
ENUMERATED, LAST, SAMPLED = "enumerated", "last", "sampled"
ANY = (ENUMERATED, LAST, SAMPLED)


@dataclass(frozen=True)
class SamplerSettings:
    """How holes are filled: the numbers of config.yaml's ``posterior`` section.

    Attributes:
        exact_pixels: the posterior of a hole of more hidden pixels is drawn from, not enumerated
        particles: of sequential Monte Carlo, for each image
        chain_images: first images of each hole that have chains, 0: all
        chains: of particle Gibbs and of Gibbs sampling, for each image
        moves: of particle Gibbs, each on one block of hidden pixels that lie together
        block: hidden pixels of a block
        move_particles: particles of one move, the present values among them
        sweeps: of Gibbs sampling, each over all hidden pixels
        samples: for each image, of the prefix, of the look-ahead and of weighted particles
        seed: what the draws depend on
    """

    exact_pixels: int
    particles: int
    chain_images: int
    chains: int
    moves: int
    block: int
    move_particles: int
    sweeps: int
    samples: int
    seed: int


class Given(NamedTuple):
    """What a method is asked: what could the hidden pixels be?

    ``pixels`` hold the true values at ``hidden``; a method reads them there only to say how
    probable it finds the truth.
    """

    model: "Predictor"
    training: np.ndarray  # uint8 [M, T], the training images
    pixels: np.ndarray  # uint8 [N, T]
    hidden: np.ndarray  # int [N, k], flat indices, ascending
    look_ahead: "LookAhead | None" = None  # the model's companion

    def first(self, count: int) -> "Given":
        """The same of the first ``count`` images."""
        return self._replace(pixels=self.pixels[:count], hidden=self.hidden[:count])


@dataclass(frozen=True)
class Method:
    """A way to fill holes of some kinds: of ``Given`` and, by keyword, of settings that it reads.

    One that runs ``by_chains`` may be asked of fewer images than the others.
    """

    name: str
    holes: tuple[str, ...]
    function: Callable[..., Forecast]
    needs_look_ahead: bool = False
    by_chains: bool = False

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings that the method reads."""
        return tuple(inspect.signature(self.function).parameters)[1:]

    def forecast(self, given: Given, settings: SamplerSettings) -> Forecast:
        """What the method says of the hidden pixels of all images, or of the first ones."""
        if self.by_chains and settings.chain_images:
            given = given.first(settings.chain_images)
        return self.function(given, **{name: getattr(settings, name) for name in self.settings})


def methods_for(given: Given, settings: SamplerSettings) -> list[Method]:
    """The ways to fill a hole."""
    kind = _kind(given, settings.exact_pixels)
    return [
        method
        for method in METHODS
        if kind in method.holes and (given.look_ahead or not method.needs_look_ahead)
    ]


def _kind(given: Given, exact_pixels: int) -> str:
    if given.hidden.shape[1] <= exact_pixels:
        return ENUMERATED
    return LAST if at_the_end(given.hidden, given.pixels.shape[1]) else SAMPLED


def check(settings: Iterable[str]) -> None:
    """Raises ValueError, naming the file to edit, where a setting is only half there.

    ``settings`` are the names that the config gives to fill_holes. ``evaluation.words`` has a check
    of its own for the methods' labels.
    """
    known, given = {field.name for field in fields(SamplerSettings)}, set(settings)
    for method in METHODS:
        if unknown := sorted(set(method.settings) - known):
            raise ValueError(
                f"{HERE}: the method {method.name!r} reads {unknown[0]!r}, which is no field of "
                f"SamplerSettings; add it there, or rename it"
            )
    if lacking := sorted(known - given):
        raise ValueError(
            f"config.yaml: posterior lacks {lacking[0]!r}, a field of SamplerSettings in {HERE}; "
            f"add it there and to workflow/schemas/config.schema.yaml"
        )
    if unread := sorted(given - known):
        raise ValueError(
            f"{HERE}: SamplerSettings has no field {unread[0]!r}, a key of posterior in "
            f"config.yaml; add it, or drop the key there and in workflow/schemas/config.schema.yaml"
        )


def by_prefix(given: Given, *, samples: int, seed: int) -> Forecast:
    """From only the pixels before, as the report completes: best is greedy, p(ink) by sampling.

    The truth's probability is teacher-forced: each true pixel given the true ones before it.
    """
    return _by_completions(given, None, samples, seed)


def by_look_ahead(given: Given, *, samples: int, seed: int) -> Forecast:
    """From the pixels before and all observed ones, by the look-ahead alone; as ``by_prefix``."""
    return _by_completions(given, given.look_ahead, samples, seed)


def by_exact_posterior(
    given: Given, *, exact_pixels: int, particles: int, samples: int, seed: int
) -> Forecast:
    """From all observed pixels: by enumeration, or by draws where none follows the hidden ones.

    Such draws are from the posterior, all of one weight, and p(observed) is exact.
    """
    from scanline.inference.exact import exact_posterior

    if given.hidden.shape[1] > exact_pixels:
        alone = given._replace(look_ahead=None)  # which would have nothing to look at
        return by_smc(alone, particles=particles, samples=samples, seed=seed)
    found = exact_posterior(given.model, given.pixels, given.hidden)
    true_index = found.index_of(values_at(given.pixels, given.hidden))[:, None]
    return Forecast(
        best=found.map_completion,
        marginals=found.marginals,
        samples=found.completions[_drawn(found.log_posterior, samples, seed)],
        log_prob=np.take_along_axis(found.log_posterior, true_index, axis=1)[:, 0],
    )


def by_smc(given: Given, *, particles: int, samples: int, seed: int) -> Forecast:
    """From all observed pixels, by sequential Monte Carlo.

    Best is the most probable of all particles and of a beam search as wide as they are many.
    """
    from scanline.inference.likelihood import log_likelihoods
    from scanline.inference.smc import beam_search, smc_posterior

    model, _, pixels, hidden, look_ahead = given
    found = smc_posterior(model, pixels, hidden, particles, seed, look_ahead=look_ahead)
    beam, nats = beam_search(model, pixels, hidden, particles, look_ahead)
    better = nats > found.log_likelihood.max(axis=1)
    log_likelihood = log_likelihoods(model, pixels)
    drawn = _drawn(found.log_weights, samples, seed)
    log_observed = log_observed_at_least(found, log_likelihood, values_at(pixels, hidden))
    return Forecast(
        best=np.where(better[:, None], beam, found.map_completion),
        marginals=found.marginals,
        samples=np.take_along_axis(found.values, drawn[:, :, None], axis=1),
        log_prob=log_likelihood - log_observed,
    )


def by_particle_gibbs(
    given: Given,
    *,
    particles: int,
    chains: int,
    moves: int,
    block: int,
    move_particles: int,
    seed: int,
) -> Forecast:
    """From all observed pixels: chains of particle Gibbs, begun from sequential Monte Carlo."""
    from scanline.inference.particle_gibbs import refine
    from scanline.inference.smc import smc_posterior

    model, _, pixels, hidden, look_ahead = given
    begun = smc_posterior(model, pixels, hidden, particles, seed, look_ahead=look_ahead)
    return _of_chains(
        refine(model, pixels, begun, chains, moves, seed, block, move_particles, look_ahead)
    )


def by_gibbs(given: Given, *, chains: int, sweeps: int, seed: int) -> Forecast:
    """From all observed pixels: chains that draw one pixel at a time, begun from the prefix."""
    from scanline.inference.gibbs import gibbs_posterior

    return _of_chains(
        gibbs_posterior(given.model, given.pixels, given.hidden, chains, seed, sweeps)
    )


def by_nearest_image(given: Given) -> Forecast:
    """The hidden pixels of the nearest training image (``inference.baselines``)."""
    nearest = nearest_images(given.pixels, given.hidden, given.training)
    values = values_at(given.training[nearest], given.hidden)
    return Forecast(
        best=values,
        marginals=values.astype(np.float64),
        samples=values[:, None][:, :0],
        log_prob=np.full(len(values), np.nan),
    )


def by_pixel_frequencies(given: Given) -> Forecast:
    """Every pixel by itself: how often it is ink in the training images."""
    marginals = ink_frequencies(given.training)[given.hidden]
    best = (marginals > 0.5).astype(np.uint8)
    truth = values_at(given.pixels, given.hidden)
    return Forecast(
        best=best,
        marginals=marginals,
        samples=best[:, None][:, :0],
        log_prob=np.log(np.where(truth == 1, marginals, 1 - marginals)).sum(axis=1),
    )


METHODS = (  # in the order of tables and figures
    Method("prefix", ANY, by_prefix),
    Method("look_ahead", (ENUMERATED, SAMPLED), by_look_ahead, needs_look_ahead=True),
    Method("exact", (ENUMERATED, LAST), by_exact_posterior),
    Method("smc", (SAMPLED,), by_smc),
    Method("particle_gibbs", (SAMPLED,), by_particle_gibbs, by_chains=True),
    Method("gibbs", (ENUMERATED, SAMPLED), by_gibbs, by_chains=True),
    Method("nearest_image", ANY, by_nearest_image),
    Method("pixel_frequencies", ANY, by_pixel_frequencies),
)


def log_observed_at_least(
    particles: "Particles", log_likelihood: np.ndarray, truth: np.ndarray
) -> np.ndarray:
    """The estimate of log p(observed) [N], or the known completions' sum if that is larger.

    The estimate of p(observed) is unbiased, so that of its logarithm is too low on average, which
    flatters the truth. But p(observed) is no less than the sum of p(image) over the different
    completions that are known: the particles', and the ``truth`` [N, k] of ``log_likelihood`` [N].
    """
    known = np.concatenate([truth[:, None], particles.values], axis=1)
    nats = np.concatenate([log_likelihood[:, None], particles.log_likelihood], axis=1)
    first = [np.unique(values, axis=0, return_index=True)[1] for values in known]
    bounds = [np.logaddexp.reduce(each[i]) for each, i in zip(nats, first, strict=True)]
    return np.maximum(particles.log_observed, bounds)


def _by_completions(
    given: Given, look_ahead: "LookAhead | None", samples: int, seed: int
) -> Forecast:
    """Hidden pixels drawn one after the other, best is greedy."""
    from scanline.inference.ancestral import prefix_completions

    found = prefix_completions(given.model, given.pixels, given.hidden, samples, seed, look_ahead)
    return Forecast(found.greedy, found.marginals, found.samples, found.log_probs.sum(axis=1))


def _of_chains(ends: "Particles") -> Forecast:
    """By the ends of chains; they say nothing of p(observed), so neither of the truth."""
    return Forecast(
        best=ends.map_completion,
        marginals=ends.marginals,
        samples=ends.values,
        log_prob=np.full(len(ends.values), np.nan),
    )


def _drawn(log_weights: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Which of C completions the ``samples`` of an image are, drawn by weight: int [N, samples]."""
    from scanline.inference.resampling import draw_by_weight

    uniform = np.random.Generator(np.random.Philox(seed)).random((len(log_weights), samples))
    return draw_by_weight(log_weights, uniform)
