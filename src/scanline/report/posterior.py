"""The report's section on holes: for each model and hole a table, one line for each method."""

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from scanline.evaluation.posterior import HIGH, LOW, NATS, SAMPLED
from scanline.evaluation.quantities import FILLED
from scanline.evaluation.words import METHODS, QUANTITIES
from scanline.report.tables import Entry, Table, best_of, entry_of, with_origins

SHOWN = [
    name for name in QUANTITIES if name in (NATS, *FILLED, *SAMPLED)
]  # columns of posterior.csv


class Holes(NamedTuple):
    """One model's fillings of one hole in so many images; in the table each method has a row.

    A method without any number has none: without a classifier nothing is told of the truth.
    """

    model: str
    hole: str
    images: int
    table: Table


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
    columns = headings(lines)
    marks = lines["model"].isin(list(pretrained)).map({True: " (pretrained)", False: ""})
    named = with_origins(lines)
    named["model"] += marks
    return [
        Holes(
            str(model),
            str(hole),
            int(group["n_images"].max()),
            Table("method", list(columns.values()), _rows(group, list(columns))),
        )
        for (model, hole), group in named.groupby(["model", "hole"], sort=False)
    ]


def entry_of_hole(line: pd.Series, name: str) -> Entry:
    """A line's number in column ``name`` as it is shown; "" where it is missing."""
    if pd.isna(line[name]):
        return Entry("")
    if name == NATS:
        number = {"quantity": name, "measured": line[name], "low": line[LOW], "high": line[HIGH]}
        return entry_of(pd.Series({**number, "n_seeds": 1}))  # the table has no error over seeds
    # The heading says percent.
    return Entry(QUANTITIES[name].form.format(line[name]).removesuffix("%"))


def _rows(group: pd.DataFrame, columns: list[str]) -> list[tuple[str, list[Entry | None]]]:
    whole = group["n_images"] == group["n_images"].max()
    # The truth is no way to fill a hole, and shares of fewer images are not compared with others.
    of_methods = group[whole & (group["method"] != "truth")]
    best = {name: _best(name, of_methods) for name in columns}
    rows = []
    for i, line in group.dropna(subset=columns, how="all").iterrows():
        entries: list[Entry | None] = []
        for name in columns:
            entry = entry_of_hole(line, name)
            is_best = entry.ours in best[name] and i in of_methods.index
            entries.append(entry._replace(is_best=is_best))
        label = METHODS[line["method"]].label
        if line["n_images"] < group["n_images"].max():
            label += f" ({line['n_images']} images)"
        rows.append((label, entries))
    return rows


def _best(name: str, lines: pd.DataFrame) -> set[str]:
    """The best number of a column as its lines show it, each with the digits of its own error."""
    found = lines[lines[name] == best_of(name, lines[name])]
    return {entry_of_hole(line, name).ours for _, line in found.iterrows()}
