"""One completed image: the hole, the most probable completion, marginals, entropy, samples."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from scanline.figures.pictures import FILLED_PAPER, HIDDEN, INK, PAPER, show
from scanline.holes.sets import filled
from scanline.inference.one_image import Completed

ACROSS = 8  # samples in a row of the picture


def draw_completed(
    pixels: np.ndarray, done: Completed, columns: int, truth: np.ndarray | None = None
) -> Figure:
    """Above: hole, truth if it is given, best completion, marginals, entropy. Below: the samples.

    ``pixels`` and ``truth`` [T]; a sample's title is the log-likelihood of its image, in nats.
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
        show(_titled(figure.add_subplot(upper[i]), title), image)
    for i, (title, values, observed, limit) in enumerate(
        [
            ("p(ink)", done.marginals, pixels.astype(float), 1.0),
            ("entropy (nats)", done.entropy, np.zeros(len(pixels)), float(np.log(2))),
        ]
    ):
        image = observed.copy()
        image[done.hidden] = values
        axes = _titled(figure.add_subplot(upper[len(top) + i]), title)
        shown = show(axes, image.reshape(-1, columns), "magma_r", (0, limit))
        figure.colorbar(shown, ax=axes, ticks=[0, round(limit, 2)], shrink=0.7)
    for number, sample in enumerate(done.samples):
        row, place = divmod(number, ACROSS)
        axes = figure.add_subplot(grid[row + 1].subgridspec(1, ACROSS)[place])
        _titled(axes, f"{done.log_likelihood[number]:.1f}")
        show(axes, with_hidden(FILLED_PAPER + sample))
    return figure


def _titled(axes: Axes, title: str) -> Axes:
    axes.set_title(title, fontsize=8)
    return axes
