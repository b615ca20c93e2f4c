"""MLflow observes through a server that comes and goes, on PostgreSQL where it is installed."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from servers import PATIENCE, TrackingServer, database
from tiny_study import binarise_digits, train
from tracking_store import (
    METRICS,
    WARNING,
    Store,
    call,
    check_eight_at_once,
    expected_points,
    opened,
)

from scanline.provenance import tracking
from scanline.study import environment as study_environment
from train_predictor import train_predictor

# MLflow's own modules, when a model is first logged; no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")


@pytest.fixture(scope="module")
def server(tmp_path_factory, environment) -> Iterator[TrackingServer]:
    """A tracking server that has not been started yet."""
    with database() as address:
        made = TrackingServer(tmp_path_factory.mktemp("server"), address)
        try:
            yield made
        finally:
            made.stop()


def test_a_server_that_comes_and_goes(server, tmp_path, environment, capsys):
    results = tmp_path / "down"
    study_environment.prepare_environment({"results": str(results), "tracking": server.address})
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
                arrives(results, METRICS[0])
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
    versions = store.client.search_model_versions("name = 'tiny-predict-gru-4'")
    assert sorted(version.tags["seed"] for version in versions) == ["1", "2", "3"]
    best = store.client.get_model_version_by_alias("tiny-predict-gru-4", "best")
    assert best.version in [version.version for version in versions]
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


def arrives(results: Path, metric: str) -> None:
    """Waits until the store has the first epoch of the one training that goes on."""
    until = time.monotonic() + PATIENCE
    while True:
        with suppress(AssertionError, ValueError):  # no experiment yet
            store = Store(results)
            (run,) = (run for run in store.runs(script="train_predictor", seed="2"))
            if store.points(run, metric):
                return
        assert time.monotonic() < until
        time.sleep(0.1)


def test_eight_processes_log_at_once_through_a_server(server, tmp_path, environment):
    if not server.runs:
        server.start()
    check_eight_at_once(opened(tmp_path / "eight", server.address))
