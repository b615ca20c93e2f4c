"""MLflow observes: real stores and servers, written to by trainings and filled from the files."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from observers import log_at_once, value_of
from servers import TrackingServer, postgresql
from study_copy import ROOT
from tiny_study import DATA, EPOCHS, SHAPE, binarise_digits, train, train_folder

from scanline import study, tracking
from scanline.command import run
from scanline.files import sha256_of
from scanline.pixels import load_pixels
from scanline.predictor import load_predictor
from scanline.record import Record
from take_model import take_model
from train_predictor import train_predictor

METRICS = [
    f"{split}/{quantity}"
    for split in ("train", "validation")
    for quantity in ("nats_per_pixel", "accuracy")
]
# MLflow's own modules, when a model is first logged; no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
WARNING = "`make track` sends what is missing"


class Store:
    """What a tracking store holds of a results folder, read with MLflow's own client."""

    def __init__(self, results: Path):
        from mlflow import MlflowClient

        self.client = MlflowClient(tracking_uri=tracking.address())
        found = self.client.get_experiment_by_name(f"scanline {results.name}")
        assert found, "no experiment"
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
        [sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """What a test module sets in the environment, it unsets."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (tracking.ADDRESS, "PATH", *tracking.MANNERS):
            patch.setenv(name, os.environ.get(name, ""))  # so that it is restored
        for name in tracking.MANNERS:
            patch.delenv(name)
        yield patch


def opened(results: Path, address: str = "sqlite") -> Path:
    """The results folder, its store's address set as the Snakefile does, opened as the DAG does."""
    study.prepare_environment({"results": str(results), "tracking": address})
    done = call("workflow/scripts/open_tracking.py", "--results", results)
    assert done.stderr == ""
    assert (results / "tracking/open.json").exists()
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory, environment) -> Path:
    """Pixels, and an opened SQLite store beside them."""
    folder = tmp_path_factory.mktemp("sqlite")
    binarise_digits(folder / "results", folder / "digits")
    return opened(folder / "results")


@pytest.fixture(scope="module")
def trained(results) -> Record:
    """A training by its script, in a process of its own."""
    pixels, folder = results / DATA / "pixels", train_folder(results)
    call(
        "src/train_predictor.py",
        *("--train", pixels / "train.npz", "--validation", pixels / "validation.npz"),
        *("--checkpoints", results / "checkpoints", "--out", folder),
        *study.flags({"epochs": EPOCHS, "batch_size": 16, "seed": 1} | SHAPE).split(),
    )
    return Record.load(folder / "run.json")


@pytest.fixture(scope="module")
def sent(results, trained) -> int:
    """How many runs the first sending added to."""
    return tracking.send(results)


class TestSQLite:
    """One training after the other, in a store that is a file."""

    def test_a_training_logs_every_epoch_by_itself(self, results, trained):
        store = Store(results)
        run = store.run_of(trained)
        assert run.info.status == "FINISHED"
        assert sorted(run.data.metrics) == sorted(METRICS)
        for metric in METRICS:
            points = store.points(run, metric)
            assert [epoch for epoch, _ in points] == [1, 2, 3]
            assert points == expected_points(train_folder(results), metric)

    def test_a_run_has_its_parent_params_and_data_set(self, results, trained):
        store = Store(results)
        run = store.run_of(trained)
        place = {"data": DATA, "variant": "gru-4", "seed": "1"}
        (parent,) = store.runs(**{tracking.PARENT: "tiny/gru-4/1"})
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert place.items() <= parent.data.tags.items()
        assert (place | {"task": "predict", "script": "train_predictor"}).items() <= (
            run.data.tags.items()
        )
        assert run.data.tags["code_sha256"] == trained.code_sha256
        assert run.data.tags["lock_sha256"] == sha256_of(ROOT / "requirements.lock")
        settings = {"cell": "gru", "units": "4", "layers": "1", "epochs": "3", "batch_size": "16"}
        assert settings.items() <= run.data.params.items()
        assert trained.settings.keys() <= run.data.params.keys()
        digests = {each.dataset.name: each.dataset.digest for each in run.inputs.dataset_inputs}
        assert digests == {
            f"tiny {split}": sha256_of(results / f"tiny/pixels/{split}.npz")[:32]
            for split in ("train", "validation")
        }

    def test_the_logged_model_gives_the_same_logits(self, results, trained, sent):
        import mlflow

        store = Store(results)
        run = store.run_of(trained)
        assert store.artifacts(run) == ["curve_by_epoch.csv"]
        mlflow.set_tracking_uri(tracking.address())
        logged = mlflow.keras.load_model(f"runs:/{run.info.run_id}/model")
        images = load_pixels(results / "tiny/pixels/test.npz").pixels
        kept = load_predictor(train_folder(results) / "model.keras")
        np.testing.assert_array_equal(logged(images).numpy(), kept(images).numpy())

    def test_sending_twice_changes_nothing(self, results, sent):
        assert sent == 2  # the pixels, and what the training had not sent itself
        before = Store(results).content()
        assert [len(models) for *_, models in before.values()].count(1) == 1
        assert tracking.send(results) == 0
        told = call("workflow/scripts/track_results.py", "--results", results).stdout
        assert told == f"tracking: 0 stages sent to {tracking.address()}\n"
        assert Store(results).content() == before

    def test_a_rerun_s_run_supersedes_the_older_one(self, results, trained, sent):
        newer = train(results, epochs=2)
        store = Store(results)
        old, new = store.run_of(trained), store.run_of(newer)
        assert new.data.tags["supersedes"] == old.info.run_id
        assert old.data.tags["superseded_by"] == new.info.run_id
        assert "superseded_by" not in new.data.tags
        assert new.data.tags["mlflow.parentRunId"] == old.data.tags["mlflow.parentRunId"]
        assert [epoch for epoch, _ in store.points(old, METRICS[0])] == [1, 2, 3]
        assert [epoch for epoch, _ in store.points(new, METRICS[0])] == [1, 2]

    def test_without_tracking_the_results_are_the_same(self, results, monkeypatch):
        watched = train(results, seed=2)
        runs = len(Store(results).runs())
        monkeypatch.setenv(tracking.ADDRESS, "none")
        alone = train(results, "alone", seed=2)
        monkeypatch.undo()
        assert len(Store(results).runs()) == runs
        assert alone.outputs["curve_by_step.csv"] == watched.outputs["curve_by_step.csv"]
        ours, theirs = (load_predictor(Path(r.folder) / "model.keras") for r in (watched, alone))
        for mine, other in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy())


def check_eight_at_once(results: Path) -> None:
    """Eight processes log 10 epochs each into an opened store: all is there, once."""
    epochs, tasks, variants = 10, ("classify", "predict"), ("a", "b", "c", "d")
    places = [f"{task}/{variant}/seed-1" for variant in variants for task in tasks]
    folders = [results / DATA / place / "train" for place in places]
    assert log_at_once(folders, epochs) == [0] * 8
    store = Store(results)
    children = [run for run in store.runs() if tracking.RUN_ID in run.data.tags]
    assert {run.data.tags[tracking.FOLDER] for run in children} == {f.as_posix() for f in folders}
    assert len(children) == 8
    for number, folder in enumerate(folders):
        (run,) = store.runs(**{tracking.FOLDER: folder.as_posix()})
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


@pytest.mark.parametrize("prepared", [True, False])
def test_eight_processes_log_at_once_to_an_empty_sqlite_store(tmp_path, environment, prepared):
    results = tmp_path / "results"
    if prepared:
        opened(results)
    else:  # as by hand, without the workflow's first job
        study.prepare_environment({"results": str(results), "tracking": "sqlite"})
    check_eight_at_once(results)


def test_eight_trainings_at_once(tmp_path, environment):
    results = tmp_path / "results"
    binarise_digits(results, tmp_path / "digits")
    opened(results)
    requests, folders = [], []
    for script, task in (("train_classifier", "classify"), ("train_predictor", "predict")):
        for variant in range(4):
            folder = results / DATA / task / f"gru-{variant}" / "seed-1/train"
            words = ["--train", results / "tiny/pixels/train.npz"]
            words += ["--validation", results / "tiny/pixels/validation.npz"]
            words += ["--checkpoints", results / "checkpoints", "--out", folder]
            words += study.flags(SHAPE | {"epochs": 6, "batch_size": 16}).split()
            requests.append([script, [*map(str, words)], str(tmp_path / f"{task}-{variant}.log")])
            folders.append(folder)
    done = subprocess.run(
        [sys.executable, ROOT / "tests/forked_trainings.py", "at-once"],
        input=json.dumps(requests),
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    said = [Path(log).read_text() for *_, log in requests]
    assert json.loads(done.stdout) == [0] * 8, said
    assert not any(WARNING in text for text in said)
    store = Store(results)
    for folder in folders:
        record = Record.load(folder / "run.json")
        run = store.run_of(record)
        assert run.info.status == "FINISHED"
        assert len(run.data.metrics) == 4
        for metric in run.data.metrics:
            points = store.points(run, metric)
            assert [epoch for epoch, _ in points] == [1, 2, 3, 4, 5, 6]
            assert points == expected_points(folder, metric)
    assert len(store.runs()) == 8 + 4  # and a parent a variant
    send_twice_at_once(results)


def send_twice_at_once(results: Path) -> None:
    """Two senders at the same time, then a third: all is sent, once."""
    words = [sys.executable, "workflow/scripts/track_results.py", "--results", str(results)]
    senders = [
        subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = sorted(sender.communicate()[0] for sender in senders)
    assert [int(re.search(r"(\d+) stages sent", line)[1]) for line in told] == [0, 9]
    content = Store(results).content()
    assert [len(models) for *_, models in content.values()].count(1) == 8
    assert tracking.send(results) == 0
    assert Store(results).content() == content


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request, tmp_path_factory, environment) -> Iterator[TrackingServer]:
    """A tracking server that has not been started yet."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        made = TrackingServer(folder, f"sqlite:///{folder}/store.db")
        try:
            yield made
        finally:
            made.stop()
    else:
        with postgresql() as database:
            made = TrackingServer(folder, database)
            try:
                yield made
            finally:
                made.stop()


def test_a_server_that_comes_and_goes(server, tmp_path, environment, capsys):
    results = tmp_path / "down"
    study.prepare_environment({"results": str(results), "tracking": server.address})
    environment.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    binarise_digits(results, tmp_path / "digits")
    capsys.readouterr()

    def warnings() -> int:
        return capsys.readouterr().err.count(WARNING)

    # Down before: neither opening nor training fails, and sending says why it cannot.
    told = call("workflow/scripts/open_tracking.py", "--results", results).stderr
    assert told.startswith(f"tracking: the tracking store {server.address} cannot be opened (")
    before = train(results, seed=1)
    assert warnings() == 1
    with pytest.raises(OSError, match=f"the tracking store {server.address} cannot be filled"):
        tracking.send(results)

    # Killed after the first epoch.
    server.start()

    def train_and_stop(*, out, log_epoch, **given):
        def log(epoch, metrics):
            if epoch == 2:
                server.stop()
            log_epoch(epoch, metrics)

        train_predictor(out=out, log_epoch=log, **given)

    train_and_stop.__name__ = "train_predictor"
    during = train(results, seed=2, function=train_and_stop)
    assert warnings() == 1

    # Started again: the rest is sent, once.
    server.start()
    store = Store(results)
    cut = store.run_of(during)
    assert cut.info.status == "RUNNING"
    assert [epoch for epoch, _ in store.points(cut, METRICS[0])] == [1]
    assert tracking.send(results) == 3  # the pixels and both trainings
    after = train(results, seed=3)
    assert warnings() == 0
    assert tracking.send(results) == 1  # its files
    for record in (before, during, after):
        run = store.run_of(record)
        assert run.info.status == "FINISHED"
        for metric in METRICS:
            assert store.points(run, metric) == expected_points(Path(record.folder), metric)
        assert store.artifacts(run) == ["curve_by_epoch.csv"]
    content = store.content()
    assert [len(models) for *_, models in content.values()].count(1) == 3
    assert tracking.send(results) == 0
    assert store.content() == content

    # A rerun's run supersedes the older one.
    newer = store.run_of(train(results, seed=1, epochs=2))
    older = store.run_of(before)
    assert newer.data.tags["supersedes"] == older.info.run_id
    assert older.data.tags["superseded_by"] == newer.info.run_id
    assert [epoch for epoch, _ in store.points(older, METRICS[0])] == [1, 2, 3]
    assert [epoch for epoch, _ in store.points(newer, METRICS[0])] == [1, 2]


def test_eight_processes_log_at_once_through_a_server(server, tmp_path, environment):
    if not server.runs:
        server.start()
    check_eight_at_once(opened(tmp_path / "eight", server.address))


def test_a_taken_model_s_run_compares_with_trainings(results, trained, environment, tmp_path):
    """Its params are those of the training that made it, its metrics that training's epochs."""
    taken = opened(tmp_path / "taken")
    shipped = train_folder(results)
    training = tmp_path / "training.json"
    training.write_bytes((shipped / "run.json").read_bytes())
    record = run(
        take_model,
        model=shipped / "model.keras",
        curves=(shipped / "curve_by_epoch.csv",),
        training=training,
        pixels=results / DATA / "pixels/train.npz",
        out=train_folder(taken),
    )
    assert tracking.send(taken) == 1
    store = Store(taken)
    found = store.run_of(record)
    settings = Record.load(training).settings
    wanted = {name: str(value) for name, value in settings.items()}
    assert wanted.items() <= found.data.params.items()
    assert found.data.params["variant"] == "gru-4"
    for metric in METRICS:
        assert store.points(found, metric) == expected_points(shipped, metric)
