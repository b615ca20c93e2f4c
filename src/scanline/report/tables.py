"""The tables of the report: what each shows, and how numbers are written."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.evaluation.literature import OURS, beside_ours
from scanline.evaluation.words import HEADINGS


class Entry(NamedTuple):
    """A number of a table, as it is shown; "" where there is no interval, nothing published."""

    ours: str
    interval: str
    published: str
    difference: str
    matched_polarity: str


class Behind(NamedTuple):
    """A model beside the next better one and the best: name, difference, its interval, p."""

    model: str
    next: tuple[str, str, str, str]
    best: tuple[str, str, str, str]


class Table(NamedTuple):
    """``rows``: a name and its entries, one for each of ``columns``; None where not measured."""

    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Entry | None]]]


def _entry(line: pd.Series) -> Entry:
    digits = _digits(line["measured"])

    def shown(column: str, sign: str = "-") -> str:
        return _shown(line.get(column), digits, sign)

    error = f" ± {shown('standard_error')}" if line["n_seeds"] > 1 else ""
    return Entry(
        shown("measured") + error,
        _interval(line, digits),
        shown("published"),
        shown("difference", "+"),
        shown("published_matched_polarity"),
    )


def _digits(number: float) -> int:
    return 2 if abs(number) >= 10 else 5


def _shown(number: float | None, digits: int, sign: str = "-") -> str:
    missing = number is None or pd.isna(number)
    return "" if missing else f"{number:{sign}.{digits}f}".replace("-", "−")


def _interval(line: pd.Series, digits: int, sign: str = "-") -> str:
    if pd.isna(line.get("low", np.nan)):
        return ""
    return f"{_shown(line['low'], digits, sign)} to {_shown(line['high'], digits, sign)}"


def ranked(pairs: pd.DataFrame) -> list[Behind]:
    """Each model behind the next better and behind the best, of the first seed, best first."""
    pairs = pairs[pairs["seed"] == pairs["seed"].iloc[0]]
    return [
        Behind(str(model), _told_apart(better.iloc[0]), _told_apart(better.iloc[-1]))
        for model, better in pairs.groupby("model", sort=False)
    ]


def _told_apart(pair: pd.Series) -> tuple[str, str, str, str]:
    digits = 4 if pair["quantity"] == "accuracy" else 2
    p = "< 0.0001" if pair["p"] < 1e-4 else f"{pair['p']:.4f}"
    difference = _shown(pair["difference"], digits, "+")
    return pair["other"], difference, _interval(pair, digits, "+"), p


def _table(
    lines: pd.DataFrame, corner: str, row: str, columns: list[tuple[str, str, str]]
) -> Table:
    """Rows by the values of column ``row``; ``columns``: a heading, then what its lines hold."""
    rows: list[tuple[str, list[Entry | None]]] = []
    for name, group in lines.groupby(row, sort=False):
        entries: list[Entry | None] = []
        for _, quantity, where in columns:
            found = group[(group["quantity"] == quantity) & (group["where"] == where)]
            entries.append(_entry(found.iloc[0]) if len(found) else None)
        rows.append((str(name), entries))
    return Table(corner, [heading for heading, *_ in columns], rows)


def by_model(lines: pd.DataFrame | None) -> Table | None:
    if lines is None:
        return None
    lines = lines.assign(where=lines["split_or_hidden"].astype(str))
    pairs = list(dict.fromkeys(zip(lines["quantity"], lines["where"], strict=True)))
    pairs.sort(key=lambda pair: pair[1] != "test")
    columns = [(f"{HEADINGS[quantity]} ({where})", quantity, where) for quantity, where in pairs]
    return _table(lines, "model", "model", columns)


def by_hidden_run(lines: pd.DataFrame | None) -> dict[str, Table]:
    if lines is None:
        return {}
    lines = lines.assign(where="", hidden=lines["split_or_hidden"].astype(str))
    columns = [(HEADINGS[q], q, "") for q in dict.fromkeys(lines["quantity"])]
    return {
        str(model): _table(group, "hidden pixels", "hidden", columns)
        for model, group in lines.groupby("model", sort=False)
    }


def by_hole(lines: pd.DataFrame | None) -> dict[str, Table]:
    if lines is None:
        return {}
    shown = lines[lines["quantity"].isin(HEADINGS)]
    shown = shown.assign(
        where=shown["split_or_hidden"].astype(str),
        name=shown["quantity"].map(HEADINGS),
    )
    tables = {}
    for model, group in shown.groupby("model", sort=False):
        rows = []
        holes = list(dict.fromkeys(group["where"]))
        for name, quantity in group.groupby("name", sort=False):
            by_hole = {line["where"]: _entry(line) for _, line in quantity.iterrows()}
            rows.append((str(name), [by_hole.get(hole) for hole in holes]))
        tables[str(model)] = Table("nats per pixel, or share", holes, rows)
    return tables


def literature(
    predict: pd.DataFrame | None, data: str | None, published: Path | None
) -> dict[str, list[dict]]:
    """Tables with other people's models, where we have a number for the same pixels."""
    if predict is None:
        return {}
    mine = predict.rename(columns={"measured": "value"})
    numbers = mine.assign(task="predict", data=data, n_parameters=np.nan)
    if published is not None:
        other = pd.read_csv(published)
        numbers = pd.concat([numbers, other[other["data"] != data]])
    tables = {}
    for name, table in beside_ours(numbers).items():
        if OURS in set(table["source"]):
            tables[name] = [_beside(line) for _, line in table.iterrows()]
    return tables


def _beside(line: pd.Series) -> dict:
    count = line["n_parameters"]
    return {
        "model": line["model"],
        "nats": f"{line['nats_per_image']:.2f}",
        "interval": _interval(line, 2),
        "parameters": "" if pd.isna(count) else f"{count:,}",
        "source": line["source"],
        "caveat": line["caveat"],
        "ours": line["source"] == OURS,
    }
