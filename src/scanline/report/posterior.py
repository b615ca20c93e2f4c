"""The report's section on holes: for each model and hole a table, one line for each method."""

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from scanline.evaluation.quantities import FILLED
from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.report.tables import best_of, with_origins

SHOWN = [name for name in QUANTITIES if name in FILLED]  # columns of posterior.csv


class Holes(NamedTuple):
    """One model's fillings of one hole in so many images.

    ``lines``: a method, then a number for each of the headings and whether it is the best as shown.
    """

    model: str
    hole: str
    images: int
    lines: list[tuple[str, list[tuple[str, bool]]]]


def headings(lines: pd.DataFrame) -> dict[str, str]:
    """The columns of posterior.csv that hold a number, and their headings.

    Without a classifier no classes are read.
    """
    held = lines.dropna(axis="columns", how="all")
    return {name: QUANTITIES[name].heading for name in SHOWN if name in held}


def by_model_and_hole(lines: pd.DataFrame, pretrained: Collection[str]) -> list[Holes]:
    """The tables of posterior.csv's ``lines``; models in ``pretrained`` are marked so."""
    if lines.empty:
        return []
    columns = list(headings(lines))
    marks = lines["model"].isin(list(pretrained)).map({True: " (pretrained)", False: ""})
    named = with_origins(lines)
    named["model"] += marks
    return [
        Holes(
            str(model),
            str(hole),
            int(group["n_images"].iloc[0]),
            _lines(group, columns),
        )
        for (model, hole), group in named.groupby(["model", "hole"], sort=False)
    ]


def _lines(group: pd.DataFrame, columns: list[str]) -> list[tuple[str, list[tuple[str, bool]]]]:
    of_methods = group[group["method"] != "truth"]  # the truth is no way to fill a hole
    best = {name: _written(name, best_of(name, of_methods[name])) for name in columns}
    return [
        (
            METHODS[line["method"]].label,
            [
                (text, text != "" and text == best[name] and line["method"] != "truth")
                for name in columns
                for text in [_written(name, line[name])]
            ],
        )
        for line in group.to_dict("records")
    ]


def _written(name: str, value: float | None) -> str:
    """As it is shown; "" where it is missing."""
    if pd.isna(value):
        return ""
    return QUANTITIES[name].form.format(value).removesuffix("%")  # the heading says percent
