"""A study's experiment in a store: one a study, wherever it lies; whole, whoever was killed."""

import getpass
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from tiny_study import DATA, binarise_digits, score, train, train_folder
from track_results import main as track_results
from tracking_store import Store, call, empty_store, opened, own_environment

from mix_predictors import mix_predictors
from scanline.provenance import store as stores
from scanline.provenance import tracking
from scanline.provenance.record import Record, records_in
from scanline.provenance.stage import run
from scanline.study.kept import keep

# MLflow's own modules, when a model is first logged; no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Pixels and a training, of which no store knows."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(tracking.ADDRESS, "none")
        binarise_digits(folder / "results", folder / "digits")
        train(folder / "results")
    return folder / "results"


@pytest.fixture
def results(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "results"))


@pytest.fixture(autouse=True)
def environment() -> Iterator[pytest.MonkeyPatch]:
    with own_environment() as patch:
        yield patch


WRITES = (
    *("create_run", "log_batch", "log_inputs", "set_tag", "log_artifact", "set_terminated"),
    *("create_logged_model", "log_outputs", "log_model_artifacts", "finalize_logged_model"),
    *("create_registered_model", "create_model_version", "set_registered_model_alias"),
)


class Killed(BaseException):
    """What a kill at this moment would leave undone is not done."""


def test_sending_is_mended_wherever_it_was_killed(results, monkeypatch):
    """Killed after its first write, then after the second of the next sending, and so on."""
    from mlflow import MlflowClient

    opened(results)
    written = [0, 0]  # in this sending, and after how many it is killed

    def dying(real):
        def write(self, *arguments, **named):
            made = real(self, *arguments, **named)
            written[0] += 1
            if written[0] == written[1]:
                raise Killed
            return made

        return write

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        killed = 0
        while True:
            written[:] = [0, written[1] + 1]
            try:
                tracking.send(results)
                break
            except Killed:
                killed += 1
    assert killed > 5
    store = Store(results)
    for folder in (results / DATA / "pixels", train_folder(results)):
        record = Record.load(folder / "run.json")
        run = store.run_of(record)
        assert run.info.status == "FINISHED"
        assert record.settings.keys() <= run.data.params.keys()
        assert run.data.tags["complete"] == "yes"
        assert "superseded_by" not in run.data.tags
    (parent,) = store.runs(**{tracking.PARENT: "tiny/gru-4/1"})
    assert parent.info.status == "FINISHED"
    assert [len(models) for *_, models in store.content().values()].count(1) == 1
    (version,) = store.client.search_model_versions("name = 'tiny-predict-gru-4'")
    (model,) = store.client.search_logged_models([store.experiment])
    assert (model.status, f"models:/{model.model_id}") == ("READY", version.source)
    before = store.content()
    assert tracking.send(results) == 0
    assert store.content() == before


def test_what_a_killed_process_left_of_a_model_is_removed(results):
    opened(results)
    record = records_in(results)[train_folder(results)]
    store = stores.Store(results)
    run_id = store.run_of(record)
    left = store.client.create_logged_model(store.experiment, "model", run_id)
    tracking.send(results)
    (model,) = store.client.search_logged_models([store.experiment])
    assert model.model_id != left.model_id
    assert model.status == "READY"


def test_a_mixture_has_a_run_that_names_its_models(results):
    alone, both = (results / DATA / f"predict/{name}/seed-1/score" for name in ("gru-4", "mix"))
    score(results, alone)
    found = alone / "log_likelihoods.npz"
    mixed = run(mix_predictors, likelihoods=(found, found), out=both)
    opened(results)
    tracking.send(results)
    (parent,) = Store(results).runs(**{tracking.PARENT: "tiny/mix/1"})
    assert parent.data.params["mixture"] == "gru-4, gru-4"
    nats = pd.read_csv(both / "scores.csv").set_index(["split_or_hidden", "quantity"])["value"]
    assert parent.data.metrics["predict/nats_per_image"] == nats["test", "nats_per_image"]
    took = parent.info.end_time - parent.info.start_time
    assert took == pytest.approx(mixed.seconds * 1000, abs=1)


def test_the_times_are_those_of_the_work(results):
    opened(results)
    tracking.send(results)
    record = Record.load(train_folder(results) / "run.json")
    info = Store(results).run_of(record).info
    began = datetime.fromisoformat(record.started).timestamp() * 1000
    assert info.start_time == pytest.approx(began, abs=1)
    assert info.end_time - info.start_time == pytest.approx(record.seconds * 1000, abs=1)


def test_a_moved_study_goes_on_in_its_experiment_with_its_artifacts(results, tmp_path):
    opened(results)
    tracking.send(results)
    before = Store(results).content().keys()
    moved = tmp_path / "elsewhere/renamed"
    moved.parent.mkdir()
    shutil.move(results, moved)
    opened(moved)
    assert tracking.send(moved) == 0
    client = stores.Store(moved).client
    (study,) = {each.experiment_id for each in client.search_experiments()} - {"0"}
    runs = client.search_runs([study])
    assert {run.info.run_id for run in runs} == before
    record = Record.load(train_folder(moved) / "run.json")
    (run,) = (r for r in runs if r.data.tags.get(tracking.RUN_ID) == record.run_id)
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["curve_by_epoch.csv"]
    (model,) = client.search_logged_models([study])
    assert model.artifact_location.startswith(moved.as_uri())
    place = client.get_model_version_download_uri("tiny-predict-gru-4", "1")
    assert place == model.artifact_location
    newer = train(moved, seed=1, epochs=2)
    tracking.send(moved)
    runs = {r.data.tags.get(tracking.RUN_ID): r for r in client.search_runs([study])}
    assert runs[record.run_id].data.tags["superseded_by"] == runs[newer.run_id].info.run_id
    assert not results.exists()


def shared_store(folder: Path) -> str:
    """The address of a store outside of any study."""
    (folder / "shared.db").write_bytes(empty_store())
    return f"sqlite:///{folder}/shared.db"


def test_two_studies_of_one_name_in_one_store_leave_each_other_alone(results, tmp_path):
    other = Path(shutil.copytree(results, tmp_path / "other/results"))
    shared = shared_store(tmp_path)
    for each in (results, other):
        opened(each, shared)
        tracking.send(each)
    ours = Store(results).content()
    train(other, epochs=2)
    tracking.send(other)
    assert Store(results).content() == ours
    assert Store(other).experiment != Store(results).experiment


def test_a_copy_in_other_hands_is_another_study_on_a_server(results, monkeypatch):
    opened(results)
    store = stores.Store(results)
    (mine, again) = (store._experiment(local=False) for _ in range(2))
    monkeypatch.setattr(getpass, "getuser", lambda: "somebody-else")
    assert store._experiment(local=False) not in (mine, store.experiment)
    assert mine == again


def test_a_copy_gets_an_experiment_of_its_own_where_its_id_is_deleted(results, tmp_path):
    shared = shared_store(tmp_path)
    opened(results, shared)
    sent = tracking.send(results)
    copy = Path(shutil.copytree(results, tmp_path / "copy/results"))
    assert Store(copy).experiment == Store(results).experiment
    (copy / "tracking/study.json").unlink()
    ours = Store(results).content()
    assert tracking.send(copy) == sent
    assert Store(copy).experiment != Store(results).experiment
    assert Store(results).content() == ours


@pytest.fixture
def track(results, capsys) -> Callable[..., str]:
    """What ``make track`` says."""

    def track(code: int | None = None) -> str:
        with pytest.raises(SystemExit) if code else nullcontext() as ended:
            track_results(results=results)
        assert code is None or ended.value.code == code
        return "".join(capsys.readouterr())

    return track


def test_a_deleted_experiment_is_told_with_the_way_out(results, track):
    opened(results)
    store = stores.Store(results)
    store.client.delete_experiment(store.experiment)
    (line,) = track(code=1).splitlines()
    assert f"`mlflow experiments restore --experiment-id {store.experiment}`" in line
    store.client.restore_experiment(store.experiment)
    assert "2 stages sent" in track()


def test_a_store_that_was_removed_is_made_anew(results, track, monkeypatch):
    config = {"results": str(results), "dataset": DATA, "tracking": "sqlite"}
    keep(config, [])
    monkeypatch.delenv(tracking.ADDRESS)
    assert "2 stages sent" in track()
    shutil.rmtree(results / "mlflow")
    # By another process: this one's MLflow still holds the removed file.
    monkeypatch.delenv(tracking.ADDRESS)
    told = call("workflow/scripts/track_results.py", "--results", results).stdout
    assert "2 stages sent" in told
    assert (results / "mlflow/mlflow.db").is_file()
    (results / "config.json").unlink()
    assert f"{results}/config.json is missing" in track(code=1)
    keep(config | {"tracking": "none"}, [])
    assert "has tracking: none" in track(code=1)
    keep(config | {"tracking": "http://me:S3cret@127.0.0.1:9"}, [])
    said = track(code=1)
    assert "http://***@127.0.0.1:9 needs what no file keeps: set SCANLINE_TRACKING" in said


def test_a_damaged_record_is_named_and_the_others_are_sent(results, track):
    opened(results)
    (results / DATA / "pixels/run.json").write_text("{")
    said = track(code=1)
    assert "1 stages sent; " in said
    assert "pixels/run.json is not a stage's record" in said
    assert json.loads((results / "tracking/study.json").read_text())["id"]
