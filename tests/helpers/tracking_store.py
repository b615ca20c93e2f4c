"""Tracking stores of tests: opened as the workflow does, written to at once, read with MLflow."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
import warm_python
from observers import log_at_once, value_of
from study_copy import ROOT
from tiny_study import DATA

from scanline.provenance import tracking
from scanline.provenance.record import Record
from scanline.study import environment as study_environment

METRICS = [
    f"{split}/{quantity}"
    for split in ("train", "validation")
    for quantity in ("nats_per_pixel", "accuracy")
]
WARNING = "`make track` sends what is missing"


class Store:
    """What a tracking store holds of a results folder, read with MLflow's own client."""

    def __init__(self, results: Path):
        from mlflow import MlflowClient

        self.client = MlflowClient(tracking_uri=tracking.address())
        study = json.loads((results / "tracking/study.json").read_text())["id"]
        (found,) = (
            each
            for each in self.client.search_experiments()
            if each.tags.get("scanline.study", "").startswith(study)
        )
        assert found.name.startswith(f"scanline {results.name} {study[:8]}")
        self.experiment = found.experiment_id

    def runs(self, **tags: str) -> list:
        """The runs that have the tags."""
        runs = self.client.search_runs([self.experiment])
        return [run for run in runs if tags.items() <= run.data.tags.items()]

    def run_of(self, record: Record):
        """The one run of a record."""
        (run,) = self.runs(**{tracking.RUN_ID: record.run_id})
        return run

    def points(self, run, metric: str) -> list[tuple[int, float]]:
        """All points of a metric as (epoch, value), sorted; a point sent twice is there twice."""
        history = self.client.get_metric_history(run.info.run_id, metric)
        return sorted((point.step, point.value) for point in history)

    def artifacts(self, run) -> list[str]:
        return sorted(file.path for file in self.client.list_artifacts(run.info.run_id))

    def content(self) -> dict:
        """Everything about every run, by its id."""
        models = self.client.search_logged_models([self.experiment])
        return {
            run.info.run_id: (
                run.to_dictionary(),
                {metric: self.points(run, metric) for metric in run.data.metrics},
                self.artifacts(run),
                sorted(m.model_id for m in models if m.source_run_id == run.info.run_id),
            )
            for run in self.runs()
        }


def expected_points(folder: Path, metric: str) -> list[tuple[int, float]]:
    """A metric's points as the training's table has them."""
    split, quantity = metric.split("/")
    table = pd.read_csv(folder / "curve_by_epoch.csv")
    chosen = table[(table["split"] == split) & (table["quantity"] == quantity)]
    return list(zip(chosen["epoch"], chosen["value"], strict=True))


def call(*words: object) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [warm_python.python(), *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def own_environment() -> Iterator[pytest.MonkeyPatch]:
    """What is set in the environment within is unset after."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (tracking.ADDRESS, "PATH", *tracking.MANNERS):
            patch.setenv(name, os.environ.get(name, ""))  # so that it is restored
        for name in tracking.MANNERS:
            patch.delenv(name)
        yield patch


@cache
def empty_store() -> bytes:
    """A new SQLite store, which takes MLflow seconds to make."""
    from mlflow import MlflowClient

    with TemporaryDirectory() as folder:
        file = f"{folder}/mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{file}").search_experiments()
        with closing(sqlite3.connect(file)) as made:
            return made.serialize()


def opened(results: Path, address: str = "sqlite") -> Path:
    """The results folder, its store's address set as the Snakefile does, its experiment made."""
    study_environment.prepare_environment({"results": str(results), "tracking": address})
    file = results / "mlflow/mlflow.db"
    if address == "sqlite" and not file.exists():
        file.parent.mkdir(parents=True)
        file.write_bytes(empty_store())
    tracking.open_store(results)
    return results


def check_eight_at_once(results: Path) -> None:
    """Eight processes log 10 epochs each into an opened store: all is there, once."""
    epochs, tasks, variants = 10, ("classify", "predict"), ("a", "b", "c", "d")
    places = [f"{task}/{variant}/seed-1" for variant in variants for task in tasks]
    folders = [results / DATA / place / "train" for place in places]
    assert log_at_once(folders, epochs) == [0] * 8
    store = Store(results)
    children = [run for run in store.runs() if tracking.RUN_ID in run.data.tags]
    assert {run.data.tags[tracking.FOLDER] for run in children} == {
        f.relative_to(results).as_posix() for f in folders
    }
    assert len(children) == 8
    for number, folder in enumerate(folders):
        (run,) = store.runs(**{tracking.FOLDER: folder.relative_to(results).as_posix()})
        assert run.info.status == "FINISHED"
        points = [(epoch, value_of(number, epoch)) for epoch in range(1, epochs + 1)]
        assert store.points(run, "train/accuracy") == points
        assert store.points(run, "validation/accuracy") == [(e, -v) for e, v in points]
    parents = [run for run in store.runs() if tracking.PARENT in run.data.tags]
    assert sorted(run.data.tags[tracking.PARENT] for run in parents) == [
        f"tiny/{variant}/1" for variant in variants
    ]
    ids = {run.data.tags[tracking.PARENT]: run.info.run_id for run in parents}
    for run in children:
        assert run.data.tags["mlflow.parentRunId"] == ids[f"tiny/{run.data.tags['variant']}/1"]
