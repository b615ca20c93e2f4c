"""The report's section on holes: one table for each model, one line for each hole and method."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from scanline.evaluation.quantities import FILLED
from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.report.tables import with_origins

SHOWN = [name for name in QUANTITIES if name in FILLED]  # columns of posterior.csv


def headings(table: Path) -> dict[str, str]:
    """The columns of posterior.csv that hold a number, and their labels.

    Without a classifier no classes are read.
    """
    held = pd.read_csv(table).dropna(axis="columns", how="all")
    return {name: QUANTITIES[name].label for name in SHOWN if name in held}


def lines_by_model(
    table: Path, pretrained: Collection[str]
) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Of posterior.csv, by model: hole and images, method, and a number for each of its headings.

    A hole is named in the first of its lines only; models in ``pretrained`` are marked so.
    """
    shown: dict[str, list[tuple[str, str, list[str]]]] = {}
    last, columns = "", headings(table)
    held = pd.read_csv(table)
    named = with_origins(held).assign(taken=held["model"].isin(list(pretrained)))
    for line in named.to_dict("records"):
        mark = " (pretrained)" if line["taken"] else ""
        hole = f"{line['hole']}, {line['n_images']:.0f} images"
        lines = shown.setdefault(f"{line['model']}{mark}", [])
        numbers = [
            "" if pd.isna(line[name]) else QUANTITIES[name].form.format(line[name])
            for name in columns
        ]
        first = "" if lines and hole == last else hole
        lines.append((first, METHODS[line["method"]].label, numbers))
        last = hole
    return shown
