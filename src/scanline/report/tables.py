"""The tables of the report: what each shows, and how its numbers are written."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK
from scanline.evaluation.literature import OURS, SCORED, beside_ours, over_seeds
from scanline.evaluation.words import QUANTITIES

VALUES = (
    *("measured", "standard_error", "low", "high"),
    *("published", "difference", "published_matched_polarity"),
)


class Entry(NamedTuple):
    """A number of a table, as it is shown; "" where there is no interval, nothing published.

    Shares are in percent, differences of shares in percentage points.
    """

    ours: str
    interval: str = ""
    published: str = ""
    difference: str = ""
    matched_polarity: str = ""
    is_best: bool = False  # of its column


class Table(NamedTuple):
    """``rows``: a name and its entries, one for each of ``columns``; None where not measured."""

    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Entry | None]]]


class Behind(NamedTuple):
    """A model beside the next better and the best one: name, difference, its interval, p."""

    model: str
    next: tuple[str, str, str, str]
    best: tuple[str, str, str, str]


def with_origins(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its models named with the data that they are of where those are other data."""
    named = {}
    for model, mark in (("model", MARK), ("other", f"other_{MARK}")):
        if mark in table:
            told = " (trained on " + table[mark].astype(str) + ")"
            named[model] = table[model] + told.where(table[mark].notna(), "")
    return table.assign(**named)


def by_model(lines: pd.DataFrame | None) -> Table | None:
    """A task's table with one row for each model; first the columns of the test split."""
    if lines is None:
        return None
    lines = lines.assign(where=lines["split_or_hidden"].astype(str))
    pairs = list(dict.fromkeys(zip(lines["quantity"], lines["where"], strict=True)))
    pairs.sort(key=lambda pair: pair[1] != "test")
    columns = [(f"{QUANTITIES[name].heading} ({where})", name, where) for name, where in pairs]
    return _table(lines, "model", "model", columns)


def by_hidden_run(lines: pd.DataFrame | None) -> dict[str, Table]:
    """Of completions, by model: one row for each number of hidden pixels."""
    if lines is None:
        return {}
    lines = lines.assign(where="", hidden=lines["split_or_hidden"].astype(str))
    columns = [(QUANTITIES[name].heading, name, "") for name in dict.fromkeys(lines["quantity"])]
    return {
        str(model): _table(group, "hidden pixels", "hidden", columns)
        for model, group in lines.groupby("model", sort=False)
    }


def by_hole(lines: pd.DataFrame | None) -> dict[str, Table]:
    """Of in-painting, by model: one row for each quantity, one column for each hole."""
    if lines is None:
        return {}
    tables = {}
    for model, group in lines.groupby("model", sort=False):
        holes = list(dict.fromkeys(group["split_or_hidden"]))
        rows = []
        for name, quantity in group.groupby("quantity", sort=False):
            entries = {line["split_or_hidden"]: entry_of(line) for _, line in quantity.iterrows()}
            rows.append((QUANTITIES[str(name)].heading, [entries.get(hole) for hole in holes]))
        tables[str(model)] = Table("nats per pixel, or %", list(map(str, holes)), rows)
    return tables


def ranked(pairs: pd.DataFrame) -> list[Behind]:
    """Each model beside the next better and the best, of the first seed, in the table's order.

    ``pairs``: one task's lines of comparisons.csv, from the second best model to the worst.
    """
    pairs = pairs[pairs["seed"] == pairs["seed"].iloc[0]]
    return [
        Behind(str(model), _told_apart(better.iloc[0]), _told_apart(better.iloc[-1]))
        for model, better in pairs.groupby("model", sort=False)
    ]


def literature(
    by_task: Mapping[str, pd.DataFrame], made: Mapping, published: Path | None
) -> dict[str, dict[str, list[dict]]]:
    """By task: our models beside other people's, by data set, where we have a number for it.

    ``by_task``: this study's tables; ``made``: the settings by which its pixels were made;
    ``published``: docs/results/figures.csv, for the numbers of other data sets.
    """
    data = made.get("data")
    mine = [
        table[(table["quantity"] == SCORED[task]) & (table["split_or_hidden"] == "test")].assign(
            task=task, data=data
        )
        for task, table in by_task.items()
        if task in SCORED
    ]
    if not mine:
        return {}
    if published is not None:
        others = over_seeds(pd.read_csv(published))
        mine.append(others[others["data"] != data])
    found: dict[str, dict[str, list[dict]]] = {task: {} for task in by_task}
    for name, table in beside_ours(pd.concat(mine), made.get("source")).items():
        task = table["task"].iloc[0]
        if OURS in set(table["source"]) and task in found:
            found[task][name] = [_beside(line) for _, line in table.iterrows()]
    return found


def _table(
    lines: pd.DataFrame, corner: str, row: str, columns: list[tuple[str, str, str]]
) -> Table:
    """Rows by the values of column ``row``; ``columns``: heading, quantity and where it is of."""
    best = {
        pair: best_of(str(pair[0]), group["measured"])
        for pair, group in lines.groupby(["quantity", "where"])
        if row == "model"
    }
    rows: list[tuple[str, list[Entry | None]]] = []
    for name, group in lines.groupby(row, sort=False):
        entries: list[Entry | None] = []
        for _, quantity, where in columns:
            found = group[(group["quantity"] == quantity) & (group["where"] == where)]
            is_best = len(found) > 0 and found.iloc[0]["measured"] == best.get((quantity, where))
            entries.append(entry_of(found.iloc[0], is_best) if len(found) else None)
        rows.append((str(name), entries))
    return Table(corner, [heading for heading, *_ in columns], rows)


def best_of(quantity: str, values: pd.Series) -> float | None:
    """The best of a quantity's values; None of a single one, or where neither way is better."""
    better = QUANTITIES[quantity].best if len(values) > 1 else ""
    if not better:
        return None
    return values.min() if better == "low" else values.max()


def entry_of(line: pd.Series, is_best: bool = False) -> Entry:
    """A line of a task's table as it is shown."""
    line = in_percent(line)
    digits = digits_of(line)

    def shown(column: str, sign: str = "-") -> str:
        return _shown(line.get(column), digits, sign)

    return Entry(
        shown("measured") + _error(line, digits),
        _interval(line, digits),
        shown("published"),
        shown("difference", "+"),
        shown("published_matched_polarity"),
        is_best,
    )


def in_percent(line: pd.Series) -> pd.Series:
    """The same line, its numbers in percent where it is of a share."""
    if not _is_share(line):
        return line
    numbers = line[line.index.intersection(list(VALUES))]
    return pd.concat([line.drop(numbers.index), 100 * numbers])


def digits_of(line: pd.Series) -> int:
    """Decimals of a number as it is shown, a share in percent: two digits of its error if known."""
    error = (line.get("high", np.nan) - line.get("low", np.nan)) / 2
    if line.get("n_seeds", 1) > 1 and line["standard_error"] > 0:
        error = line["standard_error"]
    if not pd.isna(error) and error > 0:
        return max(0, 1 - math.floor(math.log10(error)))
    if _is_share(line):  # as of right answers to n independent questions
        share = line["measured"] / 100
        error = 196 * math.sqrt(max(share * (1 - share), 0) / line["n"])
        return max(0, 1 - math.floor(math.log10(error))) if error else 2
    return 2 if abs(line["measured"]) >= 10 else 5


def _is_share(line: pd.Series) -> bool:
    return QUANTITIES[str(line["quantity"])].is_share


def _told_apart(pair: pd.Series) -> tuple[str, str, str, str]:
    pair = in_percent(pair)
    p = "< 0.0001" if pair["p"] < 1e-4 else f"{pair['p']:.4f}"
    difference = _shown(pair["difference"], 2, "+")
    return pair["other"], difference, _interval(pair, 2, "+"), p


def _beside(line: pd.Series) -> dict:
    count, line = line["n_parameters"], in_percent(line)
    return {
        "model": line["model"],
        "measured": _shown(line["measured"], 2) + _error(line, 2),
        "interval": _interval(line, 2),
        "parameters": "" if pd.isna(count) else f"{count:,}",
        "source": line["source"],
        "caveat": line["caveat"],
        "ours": line["source"] == OURS,
    }


def _error(line: pd.Series, digits: int) -> str:
    """The standard error of a mean over seeds, where there are several."""
    return f" ± {_shown(line['standard_error'], digits)}" if line["n_seeds"] > 1 else ""


def _interval(line: pd.Series, digits: int, sign: str = "-") -> str:
    if pd.isna(line.get("low", np.nan)):
        return ""
    return f"{_shown(line['low'], digits, sign)} to {_shown(line['high'], digits, sign)}"


def _shown(number: float | None, digits: int, sign: str = "-") -> str:
    missing = number is None or pd.isna(number)
    return "" if missing else f"{number:{sign}.{digits}f}".replace("-", "−")
