"""The report as one HTML file that fetches nothing: a summary, then each task of the study."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from scanline.layout import Place
from scanline.models.architecture import extras_of
from scanline.provenance.record import Record
from scanline.provenance.summary import params_of
from scanline.report import posterior as posterior_report
from scanline.report.pictures import picture
from scanline.report.summary import best_last, headlines, longest, of_holes, shown_first
from scanline.report.tables import (
    by_hidden_run,
    by_hole,
    by_model,
    literature,
    ranked,
    with_origins,
)
from scanline.study.kept import CONFIG

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
    published_holes: Path | None = None,
    play: str = "",
) -> None:
    """Writes the report to ``path``.

    ``tables``: table-{number}-{task}.csv; ``comparisons``: comparisons.csv; ``cells``: cells.csv;
    ``figures``: .png files, whose names say where they belong; ``records``: run.json files of the
    stages; ``published``: docs/results/figures.csv, for the numbers of other data sets;
    ``posterior``: posterior.csv; ``published_holes``: docs/results/posterior.csv, which a small
    study shows in place of its own few images; ``play``: the address of a page to play with, seen
    from ``path``, or "".
    """
    runs = [Record.load(record) for record in records]
    by_task = {table.stem.split("-")[-1]: with_origins(pd.read_csv(table)) for table in tables}
    pairs = with_origins(pd.read_csv(comparisons))
    data, small = _data_of(runs), _is_small(runs)
    own, elsewhere = _read(posterior), _read(published_holes)
    elsewhere = elsewhere[elsewhere["data"] == data.get("data")]
    few = small and len(own) > 0 and len(elsewhere) > 0
    holes = elsewhere if few else own
    summary = [*headlines(by_task), *of_holes(holes)]
    models = best_last(by_task["predict"]) if "predict" in by_task else []
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
        ranked={task: ranked(of_task) for task, of_task in pairs.groupby("task")},
        literature=literature(by_task, data, published),
        trainings=_trainings(runs),
        summary=summary,
        first_picture=shown_first(pictures),
        chosen={
            "Model": " ".join(models),
            "Hidden pixels": longest(by_task["complete"]) if "complete" in by_task else "",
        },
        holes=posterior_report.by_model_and_hole(holes, () if few else _taken(runs)),
        published_holes=few,
        hole_headings=posterior_report.headings(holes),
        play=play,
        how_to_play=_how_to_play(runs, models),
        cells=pd.read_csv(cells).to_dict("records"),
        pictures=pictures,
        sampled=any(each.kind == "images" for each in pictures),
        looks_ahead=not holes.empty and (holes["method"] == "look_ahead").any(),
        data=data,
        compared=lines["published"].notna().any(),
        small=small,
        pretrained=(lines["trained"] == "pretrained").any(),
        on_test_batches=any(run.settings.get("selection") == "test_batches" for run in runs),
        runs=sorted(runs, key=lambda run: run.folder),
        versions=runs[0].environment,
        took=duration(sum(run.seconds for run in runs)),
    )
    path.write_text(html)


def duration(seconds: float) -> str:
    """A time in the largest unit of which it has at least one."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _read(table: Path | None) -> pd.DataFrame:
    """posterior.csv, or one without lines."""
    return pd.read_csv(table) if table else pd.DataFrame(columns=["data"])


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


def _how_to_play(runs: Sequence[Record], models: Sequence[str]) -> str:
    """The command that writes the page of the best next-pixel model that was trained and has one.

    ``models``: all, the best last. "" where there is none.
    """
    folders = [
        (models.index(place.variant) if place.variant in models else -1, Path(run.folder).parent)
        for run in runs
        if (place := Place.find(run.folder)) and place.task == "predict"
        if Path(run.folder).name == "train" and not extras_of(params_of(run))
    ]
    if not folders:
        return ""
    folder = max(folders)[1]
    config = folder.parents[3] / CONFIG  # the study's own, in its results
    words = ("--cores", "1", f"{folder}/play/index.html", "--configfile", str(config))
    return shlex.join(["snakemake", *words])


def _is_small(runs: Sequence[Record]) -> bool:
    """Whether models were trained, or scored, on a part of the images."""
    return any(run.settings.get("train_images") or _scores_a_part(run) for run in runs)


def _scores_a_part(run: Record) -> bool:
    return run.script.startswith("score_") and bool(run.settings.get("images"))
