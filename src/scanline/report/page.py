"""The report as one HTML file: the study's story in the 2017 report's order, nothing fetched."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from scanline.provenance.record import Record
from scanline.report import posterior as posterior_report
from scanline.report.tables import by_hidden_run, by_hole, by_model, literature, ranked

TEMPLATE = Path(__file__).with_name("page.html.j2")
KINDS = {  # of figures, by how their names go on after the number (figures.names)
    "cells": r"cells$",
    "classify": r"classify-",
    "predict": r"predict-",
    "digit": r"completion-\d+-[abc]$",
    "mosaic": r"completion-",
    "inpainting": r"inpainting-",
    "posterior": r"posterior-",
    "calibration": r"calibration-",
}


class Picture(NamedTuple):
    """A figure: its file's name, the image as a data address, its number, and what it shows."""

    name: str
    source: str
    number: int | None
    kind: str


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
        classify=by_model(by_task.get("classify")),
        predict=by_model(by_task.get("predict")),
        complete=by_hidden_run(by_task.get("complete")),
        inpaint=by_hole(by_task.get("inpaint")),
        ranked={task: ranked(pairs) for task, pairs in pd.read_csv(comparisons).groupby("task")},
        literature=literature(by_task.get("predict"), _data_of(runs).get("data"), published),
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
