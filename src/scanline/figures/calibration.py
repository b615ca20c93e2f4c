"""Figures that check sequential Monte Carlo: ranks, errors, effective sample sizes."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from scipy import stats

from scanline.evaluation.quantities import ENOUGH
from scanline.figures.style import COLOURS

STATISTICS = {"log_likelihood": "likelihood of the image", "ink": "hidden pixels that are ink"}
BAND = 0.99  # of counts, were all ranks equally probable


def draw_ranks(ranks: pd.DataFrame) -> Figure:
    """Ranks of the truth in images drawn from the model; those of a right sampler are even.

    ``ranks``: ranks.csv. The band holds 99 % of a bin's counts where ranks are uniform.
    """
    holes, names = _values(ranks, "hole"), _values(ranks, "statistic")
    figure, panels = _panels(len(holes), len(names), 3.2, 2.5)
    for row, hole in zip(panels, holes, strict=True):
        for axes, name in zip(row, names, strict=True):
            found = ranks[(ranks["hole"] == hole) & (ranks["statistic"] == name)]["rank"]
            bins = int(ranks["rank"].max()) + 1
            low, high = stats.binom.interval(BAND, len(found), 1 / bins)
            axes.axhspan(low, high, color="grey", alpha=0.2, lw=0)
            axes.axhline(len(found) / bins, color="grey", lw=0.8)
            axes.bar(np.arange(bins), np.bincount(found, minlength=bins), color=COLOURS[0])
            axes.set_title(f"{hole}: {STATISTICS.get(name, name)}", fontsize=9)
            axes.set_xlabel("rank of the truth")
            axes.set_ylabel("images")
    return figure


def draw_errors(errors: pd.DataFrame) -> Figure:
    """Errors of log p(observed) and of the marginals, and effective sample sizes.

    ``errors``: errors.csv. They are drawn against particles and against time. Each hole has a
    colour; the grey lines fall as 1 / sqrt(particles), or stand at a size of ``ENOUGH``.
    """
    kinds = {
        "log_observed_error": "error of log p(observed) (nats)",
        "marginals_error": "error of the marginals",
        "effective_sample_size": "effective sample size",
    }
    against = {"particles": "particles", "seconds_per_image": "seconds an image"}
    figure, panels = _panels(3, 2, 3.6, 2.7)
    for row, (kind, label) in zip(panels, kinds.items(), strict=True):
        for axes, (scale, words) in zip(row, against.items(), strict=True):
            for place, hole in enumerate(_values(errors, "hole")):
                lines = errors[errors["hole"] == hole].sort_values("particles")
                style = "-" if lines["reference"].iloc[0] == "exact" else "--"
                axes.loglog(
                    lines[scale], lines[kind].replace(0, np.nan), f"o{style}", ms=4,
                    color=COLOURS[place % len(COLOURS)],
                    label=f"{hole} (against {lines['reference'].iloc[0]})",
                )  # fmt: skip
            if kind == "effective_sample_size":
                axes.axhline(ENOUGH, color="grey", lw=0.8, zorder=0)
            elif scale == "particles":
                _slope(axes, errors[scale], errors[kind])
            _few_numbers(axes.xaxis, axes.yaxis)
            axes.set_xlabel(words)
            axes.set_ylabel(label)
    handles, labels = panels[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def draw_sizes(sizes: pd.DataFrame) -> Figure:
    """The effective number of particles after each pixel, one panel for each hole.

    ``sizes``: effective_sample_size.csv. Each number of particles has a colour.
    """
    holes, counts = _values(sizes, "hole"), sorted(sizes["particles"].unique())
    figure, panels = _panels(1, len(holes), 3.4, 2.7)
    for axes, hole in zip(panels[0], holes, strict=True):
        for place, count in enumerate(counts):
            lines = sizes[(sizes["hole"] == hole) & (sizes["particles"] == count)]
            axes.semilogy(
                lines["step"], lines["effective_sample_size"], lw=1.2, color=COLOURS[place],
                label=f"{count:,} particles",
            )  # fmt: skip
        axes.set_title(hole, fontsize=9)
        axes.set_xlabel("pixel, in raster order")
        axes.set_ylabel("effective sample size")
        axes.set_ylim(0.8, 1.25 * max(counts))  # the same scale for all holes
        _few_numbers(axes.yaxis)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _values(table: pd.DataFrame, column: str) -> list[str]:
    return list(dict.fromkeys(table[column]))


def _panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    return plt.subplots(
        rows, columns, figsize=(width * columns, height * rows + 0.4), squeeze=False,
        layout="constrained",
    )  # fmt: skip


def _few_numbers(*axes: Axis) -> None:
    """Powers of ten carry a number; where fewer than two are seen, some between them do."""
    for axis in axes:
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_minor_formatter(NullFormatter())
        low, high = axis.get_view_interval()
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        choices = [np.outer(powers, digits) for digits in ((1,), (1, 3), (1, 2, 5))]
        choices.append(np.asarray(MaxNLocator(2).tick_values(low, high)))
        shown = [each[(low <= each) & (each <= high)] for each in choices]
        if len(shown[0]) < 2:
            few = next(each for each in shown if len(each) > 1)
            axis.set_major_locator(FixedLocator(few.tolist()))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _slope(axes: Axes, particles: Sequence[float] | pd.Series, errors: pd.Series) -> None:
    """A line that falls as 1 / sqrt(particles), through the largest error."""
    ends = np.array([min(particles), max(particles)], float)
    axes.loglog(ends, errors.max() * np.sqrt(ends[0] / ends), color="grey", lw=0.8, zorder=0)
