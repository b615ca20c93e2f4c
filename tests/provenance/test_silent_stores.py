"""A store that never answers, trickles, or is locked costs no training and no study."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import warm_python
from filelock import FileLock
from recipes import words_of
from study_copy import ROOT
from tiny_study import DATA, SHAPE, binarise_digits, train, train_folder
from tracking_store import WARNING

from scanline.provenance import tracking

PATIENCE = 300.0  # seconds on a busy machine; far less are needed
SECRET = "S3cret%40mine"


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that gives each connection to ``answer``."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            for connection in kept:
                connection.close()


def silent(connection: socket.socket) -> None:
    pass


def trickling(connection: socket.socket) -> None:
    """A body that has no end, a byte every tenth of a second."""
    try:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.1)
    except OSError:
        pass


@pytest.fixture(scope="module")
def pixels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("silent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(tracking.ADDRESS, "none")
        binarise_digits(folder / "results", folder / "digits")
    return folder / "results"


@pytest.fixture(params=["silent PostgreSQL", "silent server", "trickling server", "locked SQLite"])
def store(request, pixels, monkeypatch) -> Iterator[str]:
    """The address of a store that is of no use, set for this process and those it starts."""
    kind, name = request.param.split()
    if name == "SQLite":
        address = f"sqlite:///{pixels}/mlflow/mlflow.db"
        monkeypatch.setenv(tracking.ADDRESS, address)
        (pixels / "tracking").mkdir(exist_ok=True)
        with FileLock(pixels / "tracking/lock"):
            yield address
        return
    with listening(silent if kind == "silent" else trickling) as port:
        scheme = "postgresql" if name == "PostgreSQL" else "http"
        address = f"{scheme}://me:{SECRET}@127.0.0.1:{port}/db"
        monkeypatch.setenv(tracking.ADDRESS, address)
        yield address


def test_a_training_ends_as_without_a_store(store, pixels, monkeypatch, capfd):
    monkeypatch.setattr(tracking, "LAST_WORDS", 0.5)
    record = train(pixels, "watched")
    said = capfd.readouterr().err
    assert said.count(WARNING) == 1
    assert SECRET not in said
    assert SECRET not in (train_folder(pixels, "watched") / "run.json").read_text()
    monkeypatch.setenv(tracking.ADDRESS, "none")
    alone = train(pixels, "alone")
    for file in ("curve_by_step.csv", "curve_by_epoch.csv"):
        assert record.outputs[file] == alone.outputs[file]


def test_sigterm_stops_a_training_at_once(store, pixels, tmp_path):
    folder, log = train_folder(pixels, "stopped"), tmp_path / "log"
    words = ["--train", pixels / DATA / "pixels/train.npz", "--out", folder]
    words += ["--validation", pixels / DATA / "pixels/validation.npz"]
    words += ["--checkpoints", tmp_path / "checkpoints"]
    words += words_of("train_predictor", epochs=100_000, batch_size=16, **SHAPE)
    with open(log, "w") as file:
        process = subprocess.Popen(
            [warm_python.python(), "src/train_predictor.py", *map(str, words)],
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
    until = time.monotonic() + PATIENCE
    while "epoch 3/" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 1
    # It waits 2 s for the store; what a busy machine adds is far from PostgreSQL's own for ever.
    assert time.monotonic() - began < 60
    assert "stopped by SIGTERM after step" in log.read_text()
    assert SECRET not in log.read_text()


@pytest.mark.parametrize(("script", "code"), [("open_tracking", 0), ("track_results", 1)])
def test_opening_and_sending_end_in_one_line(store, pixels, script, code):
    words = [f"workflow/scripts/{script}.py", "--results", str(pixels), "--seconds", "1"]
    done = subprocess.run(
        [warm_python.python(), *words],
        cwd=ROOT,
        env=os.environ | {"MLFLOW_HTTP_REQUEST_TIMEOUT": "100"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith("tracking: the tracking store ")
    assert " has no answer in 1 s; " in line
    assert SECRET not in line
    if "@" in store:
        assert "://***@127.0.0.1:" in line
    assert (pixels / "tracking/open.json").exists() or script != "open_tracking"
