"""The report as one HTML file that fetches nothing, in the order of the 2017 report."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from scanline.layout import Place
from scanline.provenance.record import Record
from scanline.report import posterior as posterior_report
from scanline.report.pictures import picture
from scanline.report.tables import by_hidden_run, by_hole, by_model, literature, ranked

TEMPLATE = Path(__file__).with_name("page.html.j2")


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

    ``tables``: table-{number}-{task}.csv; ``comparisons``: comparisons.csv; ``cells``: cells.csv;
    ``figures``: .png files, whose names say where they belong; ``records``: run.json files of the
    stages; ``published``: docs/results/figures.csv, for the numbers of other data sets;
    ``posterior``: posterior.csv.
    """
    runs = [Record.load(record) for record in records]
    by_task = {table.stem.split("-")[-1]: pd.read_csv(table) for table in tables}
    for table in by_task.values():
        table["model"] += np.where(table["trained"] == "pretrained", " (pretrained)", "")
    lines = pd.concat(by_task.values())
    pictures = [picture(figure) for figure in sorted(figures, key=lambda path: path.stem)]
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
        posterior_headings=posterior_report.headings(posterior) if posterior else {},
        play=_page_to_play_with(runs),
        cells=pd.read_csv(cells).to_dict("records"),
        pictures=pictures,
        sampled=any(each.kind == "images" for each in pictures),
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


def _trainings(runs: Sequence[Record]) -> list[dict]:
    """What was trained here, with its recipe and time."""
    return [
        {**run.settings, "name": Place.of(run.folder).model, "minutes": run.seconds / 60}
        for run in sorted(runs, key=lambda run: run.folder)
        if run.script.startswith("train_") and "epochs" in run.settings
    ]


def _data_of(runs: Sequence[Record]) -> dict:
    for run in runs:
        if run.script == "binarise":
            return run.settings
    return {}


def _taken(runs: Sequence[Record]) -> set[str]:
    """The next-pixel models that were taken, not trained here."""
    places = [Place.of(run.folder) for run in runs if run.script == "take_model"]
    return {place.variant for place in places if place.task == "predict"}


def _page_to_play_with(runs: Sequence[Record]) -> str:
    """What to ask Snakemake for: the page of one next-pixel model; nothing where there is none."""
    places = [Place.find(run.folder) for run in runs]
    folders = [
        Path(run.folder).parent
        for run, place in zip(runs, places, strict=True)
        if place and place.task == "predict"
    ]
    return f"{max(folders)}/play/index.html" if folders else ""


def _is_small(runs: Sequence[Record]) -> bool:
    """Whether models were trained, or scored, on a part of the images."""
    return any(run.settings.get("train_images") or _scores_a_part(run) for run in runs)


def _scores_a_part(run: Record) -> bool:
    return run.script.startswith("score_") and bool(run.settings.get("images"))
