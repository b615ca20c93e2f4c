"""What the files of a study tell MLflow: a stage's metrics, and what a variant comes to.

A variant's parent run says in one line of the table of runs what was trained and how good it is,
over all tasks: params that its trainings share under their own names, those of one training as
{task}/{name}, and of the scores those of test images, as {task}/{quantity} or
{task}/{hidden}/{quantity}.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from scanline.layout import Place
from scanline.provenance.record import Record
from scanline.training.kinds import KINDS

CURVE = "curve_by_epoch.csv"
SCORES = "scores.csv"
VARIANT = ("data", "variant", "seed")  # what a parent run stands for
MIXING = "mix_predictors"  # the script of a mixture, which is scored and not trained
SHARED = ("cell", "units", "layers", "inputs", "precision")


class Summary(NamedTuple):
    """One variant's trainings and scores, or a mixture's; times in milliseconds since 1970."""

    where: dict[str, str]  # VARIANT
    params: dict[str, str]
    metrics: dict[str, float]
    models: dict[str, Path]  # model.keras by task
    began: int  # the first training; of a mixture, its scoring
    ended: int  # that much later as these took
    taken: bool  # a model was taken, and its training's record with it


def summaries(records: Mapping[Path, Record]) -> list[Summary]:
    """One of each variant among the records: trained, taken, or a mixture."""
    found: dict[tuple[str, ...], dict[Path, Record]] = {}
    for folder, record in records.items():
        if where := where_of(record):
            found.setdefault(tuple(where[name] for name in VARIANT), {})[folder] = record
    each = (_summary(dict(zip(VARIANT, key, strict=True)), of) for key, of in found.items())
    return [summary for summary in each if summary]


def _summary(where: dict[str, str], records: Mapping[Path, Record]) -> Summary | None:
    trainings: dict[str, Record] = {}
    mixings: list[Record] = []
    models: dict[str, Path] = {}
    metrics: dict[str, float] = {}
    taken = False
    for folder, record in records.items():
        task = where_of(record)["task"]
        if task in KINDS and record.script == KINDS[task].script:
            trainings[task], models[task] = record, folder / "model.keras"
        elif (training := training_of_taken(record)) and task in KINDS:
            trainings[task], models[task], taken = training, folder / "model.keras", True
        elif (folder / SCORES).exists():
            if record.script == MIXING:
                mixings.append(record)
            metrics |= {
                f"{task}/{name.removeprefix('test/')}": value
                for (name, _), value in metrics_of(folder).items()
                if not name.startswith("train/") and math.isfinite(value)
            }
    works = [*trainings.values(), *mixings]
    if not works:
        return None
    params = dict(where)
    for mixing in mixings:
        members = [Place.of(Path(path)).variant for path in mixing.roles["likelihoods"]]
        params["mixture"] = ", ".join(members)
    for name in SHARED:
        given = [str(t.settings[name]) for t in trainings.values() if name in t.settings]
        if given:
            params[name] = ", ".join(dict.fromkeys(given))
    params |= {f"{task}/epochs": str(t.settings["epochs"]) for task, t in trainings.items()}
    began = min(map(milliseconds, works))
    took = sum(int(work.seconds * 1000) for work in works)
    return Summary(where, params, metrics, models, began, began + took, taken)


def where_of(record: Record) -> dict[str, str]:
    """What a stage's folder tells: data, task, and variant and seed where it has them."""
    place = Place.find(record.folder)
    return {name: str(value) for name, value in place._asdict().items()} if place else {}


def params_of(record: Record) -> dict[str, object]:
    """A stage's params: where it is, and its settings.

    A setting that says something else than the place has the script's name before it: ``seed`` is
    that of the training, of which a stage that draws has another.
    """
    where, taken = where_of(record), training_of_taken(record)
    settings = {**(taken.settings if taken else {}), **record.settings}
    others = [name for name in where if str(settings.get(name, where[name])) != where[name]]
    own = {f"{record.script}/{name}": settings.pop(name) for name in others}
    return {**settings, **own, **where}


def training_of_taken(record: Record) -> Record | None:
    """The record of the training of a model that a stage took, so that runs compare."""
    taken = [Path(path) for path in record.inputs if Path(path).name == "training.json"]
    return Record.load(taken[0]) if taken and taken[0].is_file() else None


def metrics_of(folder: Path) -> dict[tuple[str, int], float]:
    """The metrics in a stage's tables by (name, epoch); scores have epoch 0.

    Names: {split}/{quantity}, {hidden}/{quantity} or, of holes, {hole}/{method}/{quantity}.
    """
    metrics: dict[tuple[str, int], float] = {}
    if (folder / CURVE).exists():
        for line in pd.read_csv(folder / CURVE).itertuples():
            metrics[f"{line.split}/{line.quantity}", int(str(line.epoch))] = float(str(line.value))
    if (folder / SCORES).exists():
        for line in pd.read_csv(folder / SCORES).itertuples():
            metrics[f"{line.split_or_hidden}/{line.quantity}", 0] = float(str(line.value))
    if (folder / "methods.csv").exists():
        table = pd.read_csv(folder / "methods.csv").melt(id_vars=["hole", "method"])
        for line in table.dropna().itertuples():
            name = f"{line.hole}/{line.method}/{line.variable}"
            metrics[name, 0] = float(str(line.value))
    return metrics


def milliseconds(record: Record) -> int:
    """When a record's work began, since 1970."""
    return int(datetime.fromisoformat(record.started).timestamp() * 1000)
