"""Figures of how well holes are filled: nats by hole, reliability diagrams, examples.

``evaluation.words`` gives each method its label, colour and marker in every figure.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.figures.pictures import (
    HIDDEN,
    INK,
    PAPER,
    colours_of,
    draw_rows,
    pictures_with,
    shaded,
)
from scanline.figures.style import COLOURS
from scanline.holes.sets import values_at
from scanline.inference.forecast import Forecast

NATS = "nats_per_hidden_pixel"
POSTERIOR = ("exact", "smc")
FEW = 10  # a bin of fewer pixels is not drawn: its share of ink says nothing
SAMPLES = 3  # of the posterior, in the examples


def draw_nats(table: pd.DataFrame) -> Figure:
    """Nats per hidden pixel of the truth by hole and method, one panel for each model.

    ``table``: posterior.csv. Above each hole stands what the posterior gains on the prefix.
    """
    models = list(dict.fromkeys(table["model"]))
    wide = max(4.2, 0.53 * table["hole"].nunique())  # a percentage does not touch the next
    figure, panels = plt.subplots(
        1, len(models), figsize=(1.5 + wide * len(models), 3.6), squeeze=False, sharey=True,
        layout="constrained",
    )  # fmt: skip
    shown = table.dropna(subset=NATS)
    for axes, model in zip(panels[0], models, strict=True):
        _draw_nats(axes, shown[shown["model"] == model])
        axes.set_title(model, fontsize=9)
    panels[0, 0].set_ylabel(QUANTITIES[NATS].label)
    _legend(figure, shown)
    return figure


def _draw_nats(axes: Axes, lines: pd.DataFrame) -> None:
    """One model's methods at each hole, and from the prefix to the posterior a line."""
    holes = list(dict.fromkeys(lines["hole"]))
    for method, points in lines.groupby("method", sort=False):
        colour, marker = look_of(str(method))
        places = [holes.index(hole) for hole in points["hole"]]
        axes.plot(places, points[NATS], marker, color=colour, ms=5)
    for place, hole in enumerate(holes):
        nats = lines[lines["hole"] == hole].set_index("method")[NATS]
        before, after = nats["prefix"], nats[[each for each in POSTERIOR if each in nats]].min()
        axes.plot([place, place], [after, before], color="grey", lw=0.8, zorder=0)
        axes.annotate(
            f"{100 * (after / before - 1):+.0f} %".replace("-", "−"),
            (place, max(before, after)), xytext=(0, 7), textcoords="offset points",
            ha="center", fontsize=8, color=COLOURS[0],
        )  # fmt: skip
    axes.set_xticks(range(len(holes)), holes, rotation=40, ha="right")
    axes.set_yscale("log")  # equal gains are equal lengths
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda nats, _: f"{nats:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.margins(y=0.12)


def draw_reliability(bins: pd.DataFrame) -> Figure:
    """How often pixels are ink against the probability of it, one panel for each hole of a model.

    ``bins``: reliability.csv. Bins of few pixels are left out. A calibrated forecast lies on the
    diagonal.
    """
    bins = bins[(bins["method"] != "nearest_image") & (bins["n_pixels"] >= FEW)]
    holes = list(dict.fromkeys(bins["hole"]))
    columns = min(4, len(holes))
    rows = -(-len(holes) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.5 * rows + 0.5), squeeze=False, sharex=True,
        sharey=True,
    )  # fmt: skip
    figure.set_layout_engine("constrained", h_pad=0.1)  # a title is clear of the axis above it
    for axes in panels.flat[len(holes) :]:
        axes.set_axis_off()
    for axes, hole in zip(panels.flat, holes, strict=False):
        axes.plot([0, 1], [0, 1], color="grey", lw=0.8)
        for method, points in bins[bins["hole"] == hole].groupby("method", sort=False):
            colour, marker = look_of(str(method))
            axes.plot(points["p_ink"], points["ink"], marker=marker, color=colour, ms=3.5, lw=1)
        axes.set_title(hole, fontsize=9)
        axes.set_aspect("equal")
        axes.set_xticks([0, 0.5, 1])
    for place, axes in enumerate(panels.flat[: len(holes)]):
        if place % columns == 0:
            axes.set_ylabel("share of ink")
        if place + columns >= len(holes):  # nothing below it
            axes.set_xlabel("probability of ink")
            axes.tick_params(labelbottom=True)
    _legend(figure, bins)
    return figure


def draw_examples(
    images: Mapping[str, tuple[np.ndarray, np.ndarray]],
    forecasts: Mapping[str, Mapping[str, Forecast]],
    columns: int,
) -> Figure:
    """One image for each hole: truth, hole, prefix and posterior samples, the best, p(ink).

    ``images``: pixels [N, T] and hidden [N, k] by hole; ``forecasts``: of each method, by hole;
    ``columns`` are those of an image. The first image that has ink in the hole is shown.
    """
    rows = {}
    for hole, (pixels, hidden) in images.items():
        found = forecasts[hole]
        posterior = next(found[each] for each in POSTERIOR if each in found)
        n = first_with_ink(pixels, hidden)
        picture = np.where(pixels[n] > 0, INK, PAPER)
        holed = picture.copy()
        holed[hidden[n]] = HIDDEN
        filled = [
            found["prefix"].samples[n, 0],
            *posterior.samples[n, :SAMPLES],
            posterior.best[n],
        ]
        pictures = [picture, holed, *(pictures_with(picture, hidden[n], each) for each in filled)]
        shades = shaded(picture, hidden[n], posterior.marginals[n])
        rows[hole] = np.stack([*map(colours_of, pictures), shades])
    samples = len(next(iter(rows.values()))) - 5
    titles = ["truth", "hole", "prefix\nsample"]
    titles += [f"posterior\nsample {i + 1}" for i in range(samples)]
    return draw_rows(rows, [*titles, "most\nprobable", "probability\nof ink"], columns)


def first_with_ink(pixels: np.ndarray, hidden: np.ndarray) -> int:
    """The first of ``pixels`` [N, T] with ink at ``hidden`` [N, k]; 0 where none has any."""
    return int(np.argmax(values_at(pixels, hidden).any(axis=1)))


def look_of(method: str) -> tuple[str, str]:
    """The colour and the marker of a method."""
    return COLOURS[METHODS[method].colour], METHODS[method].marker


def _legend(figure: Figure, table: pd.DataFrame) -> None:
    """Names the methods of a table, below all panels."""
    shown = [method for method in METHODS if method in set(table["method"])]
    looks = [look_of(method) for method in shown]
    handles = [Line2D([], [], color=colour, marker=marker, ls="", ms=5) for colour, marker in looks]
    names = [METHODS[method].label for method in shown]
    figure.legend(handles, names, loc="outside lower center", ncols=3)
