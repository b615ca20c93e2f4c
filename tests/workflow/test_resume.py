"""A training that is killed, stopped or runs out of disk ends as an undisturbed one, to the bit.

The trainings are real processes that run the script's command on 4 x 4 images.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from recipes import words_of
from small_digits import TEST_IMAGES, TRAINING_IMAGES, binarised, save_sets, write_digits

from scanline.data.pixels import save_pixels

SCRIPT = Path(__file__).parents[2] / "src/train_predictor.py"
EPOCHS, STEPS_AN_EPOCH = 20, 2
PATIENCE = 600.0  # seconds on a busy machine; far less are needed
OUTPUTS = ["curve_by_epoch.csv", "curve_by_step.csv", "model.keras", "run.json"]


SETTINGS = {
    **{"cell": "gru", "units": 16, "layers": 1},
    **{"epochs": EPOCHS, "batch_size": 16, "decay": "cosine"},
}


def arguments(script: str, pixels: Path, out: Path, checkpoints: Path, *more: str) -> list[str]:
    """A small training's command line."""
    words = ["--train", pixels / "train.npz", "--validation", pixels / "validation.npz"]
    words += ["--out", out, "--checkpoints", checkpoints]
    return [*map(str, words), *words_of(script, **SETTINGS), *more]


def learnt(out: Path) -> dict[str, bytes]:
    """The model's file and the curves of a finished training; no other file lies there."""
    assert sorted(path.name for path in out.iterdir()) == OUTPUTS
    return {name: (out / name).read_bytes() for name in OUTPUTS[:3]}


class Server(NamedTuple):
    """Starts trainings, one at a time."""

    process: subprocess.Popen
    pixels: Path
    undisturbed: dict[str, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """The server of trainings, and what the script learns undisturbed."""
    folder = tmp_path_factory.mktemp("study")
    write_digits(folder, TRAINING_IMAGES, TEST_IMAGES, side=4)
    save_sets(folder, binarised(folder))
    environment = os.environ | {
        "SCANLINE_TRACKING": "none",
        "PYTHONPATH": str(SCRIPT.parent),
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    with subprocess.Popen(
        [sys.executable, Path(__file__).parents[1] / "helpers/forked_trainings.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        alone = arguments(SCRIPT.stem, folder, folder / "out", folder / "checkpoints")
        done = subprocess.run(
            [sys.executable, SCRIPT, *alone], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        yield Server(process, folder, learnt(folder / "out"))
        process.stdin.close()


class Training:
    """The training whose results lie in ``out``: started, disturbed, started again."""

    def __init__(self, server: Server, folder: Path, script: str = "train_predictor"):
        self.server, self.script = server, script
        self.out, self.checkpoints, self.log = (
            folder / name for name in ("out", "checkpoints", "log")
        )
        self.pid = 0

    def start(self, *more: str) -> None:
        words = arguments(self.script, self.server.pixels, self.out, self.checkpoints, *more)
        self.server.process.stdin.write(json.dumps([self.script, words, str(self.log)]) + "\n")
        self.server.process.stdin.flush()
        self.pid = int(self.server.process.stdout.readline())

    def end(self) -> int:
        """The exit status, once it has ended."""
        return int(self.server.process.stdout.readline())

    def kill(self) -> None:
        """Ends the training as a lack of memory would; it has not ended by itself before."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.end() == -signal.SIGKILL, self.said()

    def said(self) -> str:
        return self.log.read_text()

    def files(self, pattern: str) -> list[Path]:
        """Files of work in progress."""
        return sorted(self.checkpoints.glob(f"*/*/{pattern}"))

    def step(self) -> int:
        """The newest checkpoint's step; 0 without one."""
        paths = self.files("step-*.npz")
        return int(paths[-1].stem.removeprefix("step-")) if paths else 0

    def wait_for(self, reached: Callable[[], object], every: float = 0.005) -> None:
        until = time.monotonic() + PATIENCE
        while not reached():
            time.sleep(every)
            assert time.monotonic() < until, self.said()
            assert Path(f"/proc/{self.pid}").exists(), self.said()

    def catch(self, there: Callable[[], object]) -> None:
        """Waits for what lasts a moment, and stops the clock while it is ``there``."""
        until = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < until, self.said()
            self.wait_for(there, every=0)
            os.kill(self.pid, signal.SIGSTOP)
            stat = Path(f"/proc/{self.pid}/stat")
            self.wait_for(lambda stat=stat: stat.read_text().rsplit(")")[-1].split()[0] in "TZX")
            if there():
                return
            os.kill(self.pid, signal.SIGCONT)

    def finish(self, *more: str, as_in: dict[str, bytes] | None = None) -> None:
        """The same command again: it ends well, as the undisturbed one, and leaves nothing else."""
        self.start(*more)
        assert self.end() == 0, self.said()
        assert learnt(self.out) == (as_in or self.server.undisturbed)
        assert list(self.checkpoints.rglob("*.npz*")) == []

    def wrote_nothing(self) -> bool:
        """Whether no output lies under its final name."""
        return not any((self.out / name).exists() for name in OUTPUTS)


@pytest.fixture
def training(server, tmp_path) -> Training:
    return Training(server, tmp_path)


def test_killed_at_any_moment(training):
    draw = np.random.default_rng(2017)
    training.start()
    time.sleep(draw.uniform(0, 0.5))  # before the first step, most likely
    training.kill()
    for _ in range(2):
        training.start()
        aim = training.step() + STEPS_AN_EPOCH * draw.integers(1, 5)
        training.wait_for(lambda aim=aim: training.step() >= aim)
        time.sleep(draw.uniform(0, 0.03))
        training.kill()
        assert training.wrote_nothing()
    training.finish()
    assert "goes on from its checkpoint" in training.said()


def test_killed_while_a_checkpoint_is_written(training):
    for killed in (1, 2):
        training.start()
        before = len(training.files(".step-*"))
        training.catch(lambda before=before: len(training.files(".step-*")) > before)
        training.kill()
        assert len(training.files(".step-*")) == killed  # half a checkpoint, under no final name
        assert training.wrote_nothing()
    training.finish()


def test_killed_while_outputs_are_written(training):
    training.start()
    training.wait_for(lambda: training.step() >= STEPS_AN_EPOCH * (EPOCHS - 3))
    training.catch(lambda: training.wrote_nothing() and any(training.out.glob(".*/model.keras")))
    training.kill()
    assert training.wrote_nothing()
    training.finish()
    assert f"step {EPOCHS * STEPS_AN_EPOCH}: goes on from its checkpoint" in training.said()


def test_a_classifier_with_two_layers_and_batch_norm(server, tmp_path):
    settings = ("--layers", "2", "--batch-norm", "recomputed", "--warmup-steps", "5")
    alone, training = (
        Training(server, tmp_path / name, "train_classifier") for name in ("alone", "training")
    )
    for each in (alone, training):
        each.out.parent.mkdir()
    alone.start(*settings)
    assert alone.end() == 0, alone.said()
    for stop in (signal.SIGKILL, signal.SIGTERM):
        training.start(*settings)
        aim = training.step() + STEPS_AN_EPOCH * 3
        training.wait_for(lambda aim=aim: training.step() >= aim)
        os.kill(training.pid, stop)
        assert training.end() in (-signal.SIGKILL, 1)
        assert training.wrote_nothing()
    training.finish(*settings, as_in=learnt(alone.out))
    assert "goes on from its checkpoint" in training.said()


def test_all_checkpoints_damaged(training):
    training.start()
    training.wait_for(lambda: training.step() >= 2 * STEPS_AN_EPOCH)
    training.kill()
    paths = training.files("step-*.npz")
    for path in paths:
        os.truncate(path, path.stat().st_size // 2)
    training.finish()
    assert training.said().count("is damaged") == len(paths) == 2
    assert "goes on" not in training.said()


def test_sigterm_writes_a_checkpoint_and_a_damaged_one_is_told(training):
    training.start()
    training.wait_for(lambda: training.step() >= 3 * STEPS_AN_EPOCH)
    began = time.monotonic()
    os.kill(training.pid, signal.SIGTERM)
    assert training.end() == 1
    assert time.monotonic() - began < 20  # Slurm's KillWait is 30 s
    *_, last = training.said().splitlines()
    step = training.step()
    told = f"stopped by SIGTERM after step {step}; the same command goes on from there"
    assert last == f"train_predictor: {told}"
    assert training.wrote_nothing()

    older, newest = training.files("step-*.npz")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    training.finish()
    assert re.search(
        rf"{newest} is damaged \(.+\); it is set aside as {newest.name}\.set-aside\n",
        training.said(),
    )
    at = int(older.stem.removeprefix("step-"))
    assert at < step
    assert f"step {at}: goes on from its checkpoint" in training.said()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of its own of 200 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system, and not in every container")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(file: Path, leave: int = 0) -> None:
    """Lets a file grow until the disk is full, but for so many bytes."""
    try:
        with open(file, "ab", buffering=0) as opened:
            while opened.write(b"\0" * 4096):
                pass
    except OSError:
        os.truncate(file, max(file.stat().st_size - leave, 0))


def test_a_disk_too_full_for_checkpoints(training, small_disk):
    training.checkpoints = small_disk / "checkpoints"
    training.start()
    training.wait_for(lambda: training.step() >= 2 * STEPS_AN_EPOCH)
    until = time.monotonic() + PATIENCE
    while "cannot write" not in training.said():  # a checkpoint that is dropped leaves room
        fill(small_disk / "filler")
        assert time.monotonic() < until, training.said()
    assert training.end() == 1
    *_, last = training.said().splitlines()
    step = training.step()
    assert re.fullmatch(
        r"train_predictor: cannot write the checkpoint .*npz \(No space left on device\); "
        rf"free some space, then the same command goes on from step {step}",
        last,
    )
    assert training.files(".step-*") == []
    assert training.wrote_nothing()
    (small_disk / "filler").unlink()
    training.finish()
    assert f"step {step}: goes on from its checkpoint" in training.said()


def test_a_disk_too_full_for_outputs(training, small_disk):
    training.out = small_disk / "out"
    fill(small_disk / "filler", leave=12 * 1024)
    training.start()
    assert training.end() == 1
    *_, last = training.said().splitlines()
    assert last == f"train_predictor: writing {training.out}: [Errno 28] No space left on device"
    assert list(training.out.iterdir()) == []
    (small_disk / "filler").unlink()
    training.finish()


@pytest.mark.parametrize("other", ["settings", "inputs", "roles"])
def test_checkpoints_of_another_training_are_left_alone_and_removed_at_the_end(
    training, other, tmp_path
):
    flags = ["--learning-rate", "0.01"]
    if other == "inputs":
        pixels = tmp_path / "pixels.npz"
        sets = binarised(training.server.pixels, validation_images=10)
        save_pixels(pixels, sets["validation"])
        flags = ["--validation", str(pixels)]
    if other == "roles":  # training and validation pixels have changed places
        pixels = training.server.pixels
        flags = ["--train", f"{pixels}/validation.npz", "--validation", f"{pixels}/train.npz"]
    training.start(*flags)
    training.wait_for(training.step)
    training.kill()
    training.finish()
    assert "goes on" not in training.said()
