"""One image with a hole, completed: samples by likelihood, marginals, entropy, and their picture.

A small hole has its exact posterior. For a larger one several independent runs of sequential Monte
Carlo estimate p(observed), their spread its error; their pooled particles begin the chains of
particle Gibbs from which the samples come.
"""

from collections.abc import Iterable
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.image import AxesImage

from scanline.digits import COLOURS, FILLED_PAPER, HIDDEN, INK, PAPER
from scanline.mcmc import drawn, refine
from scanline.posterior import exact_posterior, filled
from scanline.predictor import Predictor
from scanline.smc import pooled, smc_posterior

EXACT_UP_TO = 12  # hidden pixels
ACROSS = 8  # samples in a row of the picture


class Completed(NamedTuple):
    """An image of T pixels, k of them inferred; S samples, the most probable first."""

    hidden: np.ndarray  # int [k], flat indices, ascending
    samples: np.ndarray  # uint8 [S, k]
    log_likelihood: np.ndarray  # float64 [S], of the samples' images, nats, falling
    map_completion: np.ndarray  # uint8 [k], the most probable that was found
    marginals: np.ndarray  # float64 [k], p(ink | observed)
    log_observed: float  # log p(observed), nats
    log_observed_error: float  # its standard error, nats; 0 where it is exact
    effective_sample_size: float  # of pooled particles, least after the hole; infinite if exact

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
    chosen = drawn(found.log_posterior, np.random.default_rng(seed).random((1, samples)))[0]
    chosen = chosen[np.argsort(-found.log_joint[0, chosen], kind="stable")]
    return Completed(
        hidden=hidden,
        samples=found.completions[chosen],
        log_likelihood=found.log_joint[0, chosen],
        map_completion=found.map_completion[0],
        marginals=found.marginals[0],
        log_observed=float(found.log_observed[0]),
        log_observed_error=0.0,
        effective_sample_size=float("inf"),
    )


def complete_by_sampling(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    samples: int,
    particles: int,
    runs: Iterable[int],
    moves: Iterable[int],
    seed: int,
) -> Completed:
    """``pixels`` [T] with its ``hidden`` [k] pixels from ``runs`` of SMC and ``moves`` of Gibbs.

    Each run has ``particles`` particles, and a seed of its own; there are at least two of them.
    Marginals are over all chains after each move; over the particles where there is no move.
    """
    image, places = pixels[None], hidden[None]
    found = [smc_posterior(model, image, places, particles, seed + run) for run in runs]
    both = pooled(found)
    relative = np.exp([each.log_observed[0] - both.log_observed[0] for each in found])
    chains = refine(model, image, both, samples, 0, seed)
    marginals = []
    for move in moves:
        chains = refine(model, image, chains, samples, 1, seed + move)
        marginals.append(chains.marginals[0])
    order = np.argsort(-chains.log_likelihood[0], kind="stable")
    best = max((both, chains), key=lambda each: each.log_likelihood.max())
    return Completed(
        hidden=hidden,
        samples=chains.values[0, order],
        log_likelihood=chains.log_likelihood[0, order],
        map_completion=best.map_completion[0],
        marginals=np.mean(marginals, axis=0) if marginals else both.marginals[0],
        log_observed=float(both.log_observed[0]),
        log_observed_error=float(np.std(relative, ddof=1) / np.sqrt(len(found))),
        effective_sample_size=float(both.effective_sample_size[0, hidden[-1] :].min()),
    )


def draw_completed(
    pixels: np.ndarray, done: Completed, columns: int, truth: np.ndarray | None = None
) -> Figure:
    """Hole, truth where it is known, best completion, marginals, entropy; below, the samples.

    ``pixels`` and ``truth`` [T]; a sample's title is the log-likelihood of its image.
    """
    picture = np.where(pixels > 0, INK, PAPER)[None]

    def with_hidden(values) -> np.ndarray:
        return filled(picture, done.hidden[None], values[None]).reshape(-1, columns)

    top = {"given": with_hidden(np.full(len(done.hidden), HIDDEN))}
    if truth is not None:
        top["truth"] = with_hidden(FILLED_PAPER + truth[done.hidden])
    top["most probable"] = with_hidden(FILLED_PAPER + done.map_completion)
    rows = -(-len(done.samples) // ACROSS)
    figure = plt.figure(figsize=(0.95 * ACROSS, 1.75 + 1.15 * rows), layout="constrained")
    grid = GridSpec(rows + 1, 1, figure=figure, height_ratios=[1.6] + [1] * rows)
    upper = grid[0].subgridspec(1, len(top) + 2)
    for i, (title, image) in enumerate(top.items()):
        _show(figure.add_subplot(upper[i]), image, title)
    for i, (title, values, observed, limit) in enumerate(
        [
            ("p(ink)", done.marginals, pixels.astype(float), 1.0),
            ("entropy (nats)", done.entropy, np.zeros(len(pixels)), float(np.log(2))),
        ]
    ):
        image = observed.copy()
        image[done.hidden] = values
        axes = figure.add_subplot(upper[len(top) + i])
        shown = _show(axes, image.reshape(-1, columns), title, "magma_r", (0, limit))
        figure.colorbar(shown, ax=axes, ticks=[0, round(limit, 2)], shrink=0.7)
    for number, sample in enumerate(done.samples):
        row, place = divmod(number, ACROSS)
        axes = figure.add_subplot(grid[row + 1].subgridspec(1, ACROSS)[place])
        _show(axes, with_hidden(FILLED_PAPER + sample), f"{done.log_likelihood[number]:.1f}")
    return figure


def _show(
    axes: Axes,
    image: np.ndarray,
    title: str,
    colours: Colormap | str = COLOURS,
    limits: tuple[float, float] = (-0.5, 5.5),
) -> AxesImage:
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.4)
    return axes.imshow(image, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest")
