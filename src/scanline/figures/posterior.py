"""How well holes are filled, drawn: nats by hole, reliability diagrams, examples.

A method has one colour in every figure; the posterior has one, be it enumerated or sampled.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

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

POSTERIOR = ("exact", "smc")
LOOKS = {  # of a method: colour, marker, name
    "prefix": (COLOURS[1], "s", "prefix: pixels before"),
    "exact": (COLOURS[0], "o", "posterior, exact"),
    "smc": (COLOURS[0], "D", "posterior, sequential Monte Carlo"),
    "mcmc": (COLOURS[4], "P", "posterior, particle Gibbs"),
    "gibbs": (COLOURS[2], "^", "Gibbs sampling"),
    "nearest_image": (COLOURS[3], "v", "nearest training image"),
    "pixel_frequencies": (COLOURS[6], "x", "pixel frequencies"),
}
FEW = 10  # pixels of a bin, below which its share of ink says nothing
SAMPLES = 3  # of the posterior, in the examples


def draw_nats(table: pd.DataFrame) -> Figure:
    """Nats per hidden pixel of the truth by hole and method, a panel a model.

    ``table``: posterior.csv. What the posterior gains on the prefix stands above the hole.
    """
    models = list(dict.fromkeys(table["model"]))
    figure, panels = plt.subplots(
        1, len(models), figsize=(1.5 + 4.2 * len(models), 3.6), squeeze=False, sharey=True,
        layout="constrained",
    )  # fmt: skip
    for axes, model in zip(panels[0], models, strict=True):
        lines = table[table["model"] == model].dropna(subset="nats_per_hidden_pixel")
        holes = list(dict.fromkeys(lines["hole"]))
        for method, points in lines.groupby("method", sort=False):
            colour, marker, _ = LOOKS[str(method)]
            places = [holes.index(hole) for hole in points["hole"]]
            axes.plot(places, points["nats_per_hidden_pixel"], marker, color=colour, ms=5)
        for place, hole in enumerate(holes):
            nats = lines[lines["hole"] == hole].set_index("method")["nats_per_hidden_pixel"]
            before, after = nats["prefix"], nats[[each for each in POSTERIOR if each in nats]].min()
            axes.plot([place, place], [after, before], color="grey", lw=0.8, zorder=0)
            axes.annotate(
                f"{100 * (after / before - 1):+.0f} %".replace("-", "−"),
                (place, max(before, after)), xytext=(0, 7), textcoords="offset points",
                ha="center", fontsize=8, color=COLOURS[0],
            )  # fmt: skip
        axes.set_xticks(range(len(holes)), holes, rotation=40, ha="right")
        axes.set_title(model, fontsize=9)
        axes.set_yscale("log")  # equal gains are equal lengths
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda nats, _: f"{nats:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.margins(y=0.12)
    panels[0, 0].set_ylabel("nats per hidden pixel")
    _legend(figure, [method for method in LOOKS if method in set(lines["method"])])
    return figure


def draw_reliability(bins: pd.DataFrame) -> Figure:
    """How often pixels are ink against the probability of it, a panel a hole, one model.

    ``bins``: reliability.csv. Bins of few pixels are left out; on the diagonal lies what is
    calibrated.
    """
    bins = bins[(bins["method"] != "nearest_image") & (bins["n_pixels"] >= FEW)]
    holes = list(dict.fromkeys(bins["hole"]))
    columns = min(4, len(holes))
    rows = -(-len(holes) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(2.3 * columns, 2.4 * rows + 0.5), squeeze=False, sharex=True,
        sharey=True, layout="constrained",
    )  # fmt: skip
    for axes in panels.flat[len(holes) :]:
        axes.set_axis_off()
    for axes, hole in zip(panels.flat, holes, strict=False):
        axes.plot([0, 1], [0, 1], color="grey", lw=0.8)
        for method, points in bins[bins["hole"] == hole].groupby("method", sort=False):
            colour, marker, _ = LOOKS[str(method)]
            axes.plot(points["p_ink"], points["ink"], marker=marker, color=colour, ms=3.5, lw=1)
        axes.set_title(hole, fontsize=9)
        axes.set_aspect("equal")
    for place, axes in enumerate(panels.flat[: len(holes)]):
        if place % columns == 0:
            axes.set_ylabel("share of ink")
        if place + columns >= len(holes):  # nothing below it
            axes.set_xlabel("probability of ink")
            axes.tick_params(labelbottom=True)
    _legend(figure, [method for method in LOOKS if method in set(bins["method"])])
    return figure


def draw_examples(
    images: Mapping[str, tuple[np.ndarray, np.ndarray]],
    forecasts: Mapping[str, Mapping[str, Forecast]],
) -> Figure:
    """One image a hole: truth, hole, a prefix sample, posterior samples, the best, p(ink).

    ``images``: pixels [N, T] and hidden [N, k] by hole; ``forecasts``: of each
    method, by hole. Shown is the first image that has ink in the hole.
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
    return draw_rows(rows, [*titles, "most\nprobable", "probability\nof ink"])


def first_with_ink(pixels: np.ndarray, hidden: np.ndarray) -> int:
    """The first of ``pixels`` [N, T] with ink at ``hidden`` [N, k]; 0 where none has any."""
    return int(np.argmax(values_at(pixels, hidden).any(axis=1)))


def _legend(figure: Figure, methods: Sequence[str]) -> None:
    handles = [
        Line2D([], [], color=LOOKS[each][0], marker=LOOKS[each][1], ls="", ms=5) for each in methods
    ]
    names = [LOOKS[each][2] for each in methods]
    figure.legend(handles, names, loc="outside lower center", ncols=3)
