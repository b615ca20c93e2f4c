"""The report as one HTML file: the study's story in the 2017 report's order, nothing fetched."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from scanline import posterior_report
from scanline.literature import OURS, beside_ours
from scanline.record import Record

TEMPLATE = Path(__file__).with_name("report.html.j2")
HEADINGS = {
    "nats": "cross-entropy, nats",
    "accuracy": "accuracy",
    "nats_per_pixel": "nats per pixel",
    "nats_per_image": "nats per image",
    "bits_per_image": "bits per image",
    "samples": "samples",
    "ground_truth_under_samples": "ground truth under samples",
    "ground_truth_teacher_forced": "ground truth, teacher forced",
    "ground_truth_mean": "ground truth, mean",
    "map_mean": "in-painting, mean",
    "difference_mean": "in-painting − ground truth, mean",
    "ground_truth_std": "ground truth, s.d.",
    "map_std": "in-painting, s.d.",
    "difference_std": "in-painting − ground truth, s.d.",
    "whole_accuracy": "patches restored whole",
    "pixel_accuracy": "pixels restored",
}

KINDS = {  # of figures, by how their names go on after the number (scanline.figure_names)
    "cells": r"cells$",
    "classify": r"classify-",
    "predict": r"predict-",
    "digit": r"completion-\d+-[abc]$",
    "mosaic": r"completion-",
    "inpainting": r"inpainting-",
    "posterior": r"posterior-",
    "calibration": r"calibration-",
}


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


class Picture(NamedTuple):
    """A figure: its file's name, the image as a data address, its number, and what it shows."""

    name: str
    source: str
    number: int | None
    kind: str


class Table(NamedTuple):
    """``rows``: a name and its entries, one for each of ``columns``; None where not measured."""

    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Entry | None]]]


def write_report(
    path: Path,
    *,
    tables: Sequence[Path],
    comparisons: Path,
    cells: Path,
    figures: Sequence[Path],
    records: Sequence[Path],
    published: Path | None = None,
    posterior: Path | None = None,
) -> None:
    """Writes the report to ``path``.

    ``tables``: table-{number}-{task}.csv; ``comparisons``: comparisons.csv, every two models
    compared; ``cells``: cells.csv; ``figures``: .png files, whose names tell where they stand;
    ``records``: run.json files of the stages that were run; ``published``:
    docs/results/figures.csv, for the numbers of other data sets; ``posterior``: posterior.csv.
    """
    runs = [Record.load(record) for record in records]
    by_task = {table.stem.split("-")[-1]: pd.read_csv(table) for table in tables}
    for table in by_task.values():
        table["model"] += np.where(table["trained"] == "pretrained", " (pretrained)", "")
    lines = pd.concat(by_task.values())
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    html = environment.from_string(TEMPLATE.read_text()).render(
        classify=_by_model(by_task.get("classify")),
        predict=_by_model(by_task.get("predict")),
        complete=_by_hidden_run(by_task.get("complete")),
        inpaint=_by_hole(by_task.get("inpaint")),
        ranked={task: _ranked(pairs) for task, pairs in pd.read_csv(comparisons).groupby("task")},
        literature=_literature(by_task.get("predict"), _data_of(runs).get("data"), published),
        trainings=_trainings(runs),
        posterior=posterior and posterior_report.lines_by_model(posterior, _taken(runs)),
        posterior_headings=list(posterior_report.HEADINGS.values()),
        cells=pd.read_csv(cells).to_dict("records"),
        pictures=[_picture(figure) for figure in sorted(figures, key=lambda path: path.stem)],
        data=_data_of(runs),
        compared=lines["published"].notna().any(),
        small=_is_small(runs),
        pretrained=(lines["trained"] == "pretrained").any(),
        on_test_batches=any(run.settings.get("selection") == "test_batches" for run in runs),
        runs=sorted(runs, key=lambda run: run.folder),
        versions=runs[0].environment,
        hours=sum(run.seconds for run in runs) / 3600,
    )
    path.write_text(html)


def kind_of(name: str) -> str:
    """What a figure of this name shows, a key of KINDS; ValueError for a name of no figure."""
    shown = re.sub(r"^figure-(\d+-)?", "", name)
    for kind, pattern in KINDS.items():
        if re.match(pattern, shown):
            return kind
    raise ValueError(f"{name} is not a figure of the study; its kinds are {', '.join(KINDS)}")


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


def _ranked(pairs: pd.DataFrame) -> list[Behind]:
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


def _by_model(lines: pd.DataFrame | None) -> Table | None:
    if lines is None:
        return None
    lines = lines.assign(where=lines["split_or_hidden"].astype(str))
    pairs = list(dict.fromkeys(zip(lines["quantity"], lines["where"], strict=True)))
    pairs.sort(key=lambda pair: pair[1] != "test")
    columns = [(f"{HEADINGS[quantity]} ({where})", quantity, where) for quantity, where in pairs]
    return _table(lines, "model", "model", columns)


def _by_hidden_run(lines: pd.DataFrame | None) -> dict[str, Table]:
    if lines is None:
        return {}
    lines = lines.assign(where="", hidden=lines["split_or_hidden"].astype(str))
    columns = [(HEADINGS[q], q, "") for q in dict.fromkeys(lines["quantity"])]
    return {
        str(model): _table(group, "hidden pixels", "hidden", columns)
        for model, group in lines.groupby("model", sort=False)
    }


def _by_hole(lines: pd.DataFrame | None) -> dict[str, Table]:
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


def _literature(
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


def _trainings(runs: Sequence[Record]) -> list[dict]:
    """What was trained here, with its recipe and time; a folder tells the model."""
    return [
        {
            **run.settings,
            "name": "/".join(run.folder.split("/")[-4:-1]),
            "minutes": run.seconds / 60,
        }
        for run in sorted(runs, key=lambda run: run.folder)
        if run.script.startswith("train_") and "epochs" in run.settings
    ]


def _picture(path: Path) -> Picture:
    number = re.match(r"figure-(\d+)-", path.name)
    encoded = base64.b64encode(path.read_bytes()).decode()
    source = f"data:image/png;base64,{encoded}"
    return Picture(path.stem, source, int(number[1]) if number else None, kind_of(path.stem))


def _data_of(runs: Sequence[Record]) -> dict:
    for run in runs:
        if run.script == "binarise":
            return run.settings
    return {}


def _taken(runs: Sequence[Record]) -> set[str]:
    """The next-pixel models that were taken, not trained here."""
    folders = [Path(run.folder).parts for run in runs if run.script == "take_model"]
    return {parts[-3] for parts in folders if parts[-4] == "predict"}


def _is_small(runs: Sequence[Record]) -> bool:
    """Whether models were trained, or scored, on a part of the images."""
    return any(run.settings.get("train_images") or _scores_a_part(run) for run in runs)


def _scores_a_part(run: Record) -> bool:
    return run.script.startswith("score_") and bool(run.settings.get("images"))
