"""MLflow observes: real stores in a file, written to by trainings and filled from the files."""

import json
import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import warm_python
from recipes import words_of
from study_copy import ROOT
from tiny_study import DATA, EPOCHS, SHAPE, binarise_digits, score, train, train_folder
from tracking_store import (
    METRICS,
    WARNING,
    Store,
    call,
    check_eight_at_once,
    expected_points,
    opened,
)

from sample_images import sample_images
from scanline.files import sha256_of
from scanline.models.predictor import load_predictor
from scanline.provenance import tracking
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from scanline.study import environment as study_environment
from take_model import take_model

# MLflow's own modules, when a model is first logged; no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")


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
        *words_of("train_predictor", epochs=EPOCHS, batch_size=16, **SHAPE),
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
        assert run.info.run_name == "gru-4, seed 1, predict, tiny"
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

    def test_sending_twice_changes_nothing(self, results, trained, sent):
        assert sent == 2  # the pixels, and what the training had not sent itself
        store = Store(results)
        assert store.artifacts(store.run_of(trained)) == ["curve_by_epoch.csv"]
        before = Store(results).content()
        assert [len(models) for *_, models in before.values()].count(1) == 1
        assert tracking.send(results) == 0
        told = call("workflow/scripts/track_results.py", "--results", results).stdout
        assert told == f"tracking: 0 stages sent to {tracking.address()} from {results}\n"
        assert Store(results).content() == before

    def test_a_parent_says_what_its_variant_comes_to(self, results, trained, sent):
        """In a table of runs: what was trained, when, how large; and what scores came to."""
        folder = results / DATA / "predict/gru-4/seed-1/score"
        score(results, folder)
        assert tracking.send(results) == 1
        store = Store(results)
        (parent,) = store.runs(**{tracking.PARENT: "tiny/gru-4/1"})
        assert parent.info.run_name == "gru-4, seed 1, tiny"
        own = {"data": DATA, "variant": "gru-4", "seed": "1", "cell": "gru", "units": "4"}
        own |= {"layers": "1", "inputs": "previous", "precision": "float32"}
        # GRU: 3 gates of 1 input, 4 states, a bias; logit: 4 weights, a bias.
        own |= {"predict/epochs": "3", "predict/parameters": str(3 * 4 * (1 + 4 + 1) + 5)}
        assert parent.data.params == own
        scores = pd.read_csv(folder / "scores.csv").query("split_or_hidden == 'test'")
        expected = dict(zip("predict/" + scores["quantity"], scores["value"], strict=True))
        assert parent.data.metrics == expected
        seconds = (parent.info.end_time - parent.info.start_time) / 1000
        assert seconds == pytest.approx(trained.seconds, abs=0.002)
        assert "taken" not in parent.data.tags
        (model,) = store.client.search_logged_models([store.experiment])
        told = {metric.key: metric.value for metric in model.metrics}
        assert {f"predict/{name.removeprefix('test/')}": v for name, v in told.items()
                if name.startswith("test/")} == expected  # fmt: skip
        content = store.content()
        assert tracking.send(results) == 0
        assert Store(results).content() == content

    def test_a_stage_s_own_seed_is_not_taken_for_the_training_s(self, results, trained, sent):
        pixels, folder = results / DATA / "pixels", train_folder(results)
        sampled = run(
            sample_images,
            model=folder / "model.keras",
            train=pixels / "train.npz",
            test=pixels / "test.npz",
            images=2,
            seed=7,
            out=folder.with_name("samples"),
        )
        assert tracking.send(results) == 1
        of_samples = Store(results).run_of(sampled)
        assert of_samples.data.tags["seed"] == of_samples.data.params["seed"] == "1"
        assert of_samples.data.params["sample_images/seed"] == "7"

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
        # What a parent says of the older one is no longer so: another takes its place. So it does
        # of one that a sending which was killed left.
        store.client.create_run(store.experiment, tags={tracking.PARENT: "tiny/gru-4/1"})
        tracking.send(results)
        (parent,) = Store(results).runs(**{tracking.PARENT: "tiny/gru-4/1"})
        assert parent.data.params["predict/epochs"] == "2"
        for child in (old, new):
            tags = store.client.get_run(child.info.run_id).data.tags
            assert tags["mlflow.parentRunId"] == parent.info.run_id

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


def test_eight_processes_log_at_once_where_no_sqlite_store_is(tmp_path, environment):
    results = tmp_path / "results"
    # As by hand: the workflow's first job opens a store.
    study_environment.prepare_environment({"results": str(results), "tracking": "sqlite"})
    check_eight_at_once(results)


def test_four_trainings_at_once(tmp_path, environment):
    results = tmp_path / "results"
    binarise_digits(results, tmp_path / "digits")
    opened(results)
    requests, folders = [], []
    for script, task in (("train_classifier", "classify"), ("train_predictor", "predict")):
        for variant in range(2):
            folder = results / DATA / task / f"gru-{variant}" / "seed-1/train"
            words = ["--train", results / "tiny/pixels/train.npz"]
            words += ["--validation", results / "tiny/pixels/validation.npz"]
            words += ["--checkpoints", results / "checkpoints", "--out", folder]
            words += words_of(script, epochs=6, batch_size=16, **SHAPE)
            requests.append([script, [*map(str, words)], str(tmp_path / f"{task}-{variant}.log")])
            folders.append(folder)
    done = subprocess.run(
        [warm_python.python(), ROOT / "tests/helpers/forked_trainings.py", "at-once"],
        input=json.dumps(requests),
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    said = [Path(log).read_text() for *_, log in requests]
    assert json.loads(done.stdout) == [0] * 4, said
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
    assert len(store.runs()) == 4 + 2  # and a parent for each variant
    send_twice_at_once(results)


def send_twice_at_once(results: Path) -> None:
    """Two senders at the same time, then a third: all is sent, once."""
    words = [warm_python.python(), "workflow/scripts/track_results.py"]
    words += ["--results", str(results)]
    senders = [
        subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = sorted(sender.communicate()[0] for sender in senders)
    assert [int(re.search(r"(\d+) stages sent", line)[1]) for line in told] == [0, 5]
    content = Store(results).content()
    assert [len(models) for *_, models in content.values()].count(1) == 4
    assert tracking.send(results) == 0
    assert Store(results).content() == content


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
    (parent,) = store.runs(**{tracking.PARENT: "tiny/gru-4/1"})
    assert parent.data.tags["taken"] == "yes"
    trained = Record.load(training)
    began = int(datetime.fromisoformat(trained.started).timestamp() * 1000)
    for each in (parent, found):
        assert each.info.start_time == began
        assert each.info.end_time == began + int(trained.seconds * 1000)
        assert each.data.tags["taken"] == "yes"
    for metric in METRICS:
        assert store.points(found, metric) == expected_points(shipped, metric)
