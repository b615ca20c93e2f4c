"""Progress on a real terminal is a bar, in a log it is whole lines now and then."""

import contextlib
import fcntl
import os
import re
import struct
import sys
import termios
from pathlib import Path
from types import SimpleNamespace

import pytest

from scanline.training.progress import SECONDS_BETWEEN_LINES, Progress


def go_back(progress: Progress, seconds: float) -> None:
    """Lets the training have begun, and spoken last, so many seconds earlier."""
    progress.began -= seconds
    progress.spoke -= seconds


@pytest.fixture
def standing_clock(monkeypatch) -> None:
    """What the test itself takes counts for nothing."""
    monkeypatch.setattr(
        "scanline.training.progress.time", SimpleNamespace(monotonic=lambda: 10_000.0)
    )


def seconds_left(line: str) -> int:
    hours, minutes, seconds = map(int, re.search(r" (\d+):(\d\d):(\d\d) left$", line).groups())
    assert minutes < 60
    assert seconds < 60
    return hours * 3600 + minutes * 60 + seconds


@contextlib.contextmanager
def terminal():
    """Lets stderr be a terminal of 160 columns; yields a list that then holds what came to it."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
    os.set_blocking(ours, False)
    shown: list[str] = []
    with os.fdopen(theirs, "w") as file:
        with contextlib.redirect_stderr(file):
            yield shown
        file.flush()
        content = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(ours, 65536):
                content += piece
    shown.append(content.decode())
    os.close(ours)


def test_a_log_has_no_line_before_its_time_and_then_one(capsys):
    progress = Progress("predict", epochs=2, steps_per_epoch=10)
    for _ in range(3):
        progress.advance(0.25, images=8)
    assert capsys.readouterr().err == ""
    go_back(progress, SECONDS_BETWEEN_LINES)
    progress.advance(0.125, images=8)
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"predict: epoch 1/2, step 4: loss 0\.1250, 2 images/s, 0:01:0\d left\n", line
    )  # 32 images and 4 of 20 steps in 15 seconds
    progress.advance(0.125, images=8)
    progress.close()
    assert capsys.readouterr().err == ""


def test_a_log_has_a_line_after_15_seconds(capsys, standing_clock):
    progress = Progress("predict", epochs=2, steps_per_epoch=10)
    go_back(progress, 14.5)
    progress.advance(0.25, images=8)
    assert capsys.readouterr().err == ""
    go_back(progress, 0.5)
    progress.advance(0.25, images=8)
    assert capsys.readouterr().err.startswith("predict: epoch 1/2, step 2: loss 0.2500")


def test_a_log_holds_nothing_that_moves_a_cursor(tmp_path, monkeypatch):
    path = tmp_path / "log"
    with path.open("w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        progress = Progress("predict", epochs=1, steps_per_epoch=3)
        for _ in range(3):
            go_back(progress, SECONDS_BETWEEN_LINES)
            progress.advance(0.5, images=1)
        assert path.read_text().count("\n") == 3  # at once
        progress.say("done")
        progress.close()
    lines = Path(path).read_text()
    assert [line[:32] for line in lines.splitlines()] == [
        "predict: epoch 1/1, step 1: loss",
        "predict: epoch 1/1, step 2: loss",
        "predict: epoch 1/1, step 3: loss",
        "predict: epoch 1/1, step 3: done",
    ]
    assert not re.search(r"[\r\x1b]", lines)


@pytest.mark.parametrize(
    ("done", "made", "total", "seconds", "wanted"),
    [
        (0, 1, 2, 60, 60),
        (0, 10, 40, 100, 300),
        (20, 10, 40, 100, 100),  # steps made before the stop took none of this time
        (0, 100, 100, 500, 0),
        (0, 1, 100, 200, 19_800),  # hours
        (7, 3, 100, 1200, 36_000),
    ],
)
def test_time_left_is_that_of_the_steps_left_at_this_run_s_pace(
    capsys, standing_clock, done, made, total, seconds, wanted
):
    progress = Progress("predict", epochs=1, steps_per_epoch=total, done=done)
    for _ in range(made - 1):
        progress.advance(0.5, images=1)
    go_back(progress, seconds)
    progress.advance(0.5, images=1)
    line = capsys.readouterr().err.strip()
    assert seconds_left(line) == wanted


def test_the_rate_counts_this_run_s_images_alone(capsys, standing_clock):
    progress = Progress("predict", epochs=10, steps_per_epoch=100, done=500)
    go_back(progress, 15)
    progress.advance(0.5, images=600)
    rate = int(re.search(r"(\d+) images/s", capsys.readouterr().err)[1])
    assert rate == 40


@pytest.mark.parametrize(
    ("step", "epoch"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3), (30, 3)]
)
def test_the_last_step_of_an_epoch_belongs_to_it(capsys, step, epoch):
    Progress("predict", epochs=3, steps_per_epoch=10, done=step).say("here")
    assert capsys.readouterr().err == f"predict: epoch {epoch}/3, step {step}: here\n"


def test_a_terminal_has_a_bar_that_ends_full():
    with terminal() as shown:
        progress = Progress("predict gru", epochs=2, steps_per_epoch=4)
        for _ in range(8):
            progress.advance(0.25, images=8)
        progress.close()
    bars = re.split(r"[\r\n]+", shown[0].strip())
    assert bars[0].startswith("predict gru:   0%")
    assert "0/8" in bars[0]
    assert bars[-1].startswith("predict gru: 100%")
    assert re.search(r"8/8 .*loss 0\.2500, \d+ images/s", bars[-1])
    assert all(bar.startswith("predict gru:") for bar in bars)


def test_a_bar_goes_on_from_the_steps_made_before():
    with terminal() as shown:
        progress = Progress("predict", epochs=2, steps_per_epoch=4, done=6)
        progress.close()
    assert "6/8" in shown[0]
    assert "0/8" not in shown[0]


def test_what_is_said_is_a_line_of_its_own_above_the_bar():
    with terminal() as shown:
        progress = Progress("predict", epochs=2, steps_per_epoch=4)
        for _ in range(4):
            progress.advance(0.25, images=8)
        progress.say("validation/nats 0.5")
        progress.close()
    pieces = re.split(r"[\r\n]+", shown[0])
    said = pieces.index("predict: epoch 1/2, step 4: validation/nats 0.5")
    assert "4/8" in pieces[said + 1]


def test_a_terminal_has_no_lines_of_the_log():
    with terminal() as shown:
        progress = Progress("predict", epochs=2, steps_per_epoch=4)
        go_back(progress, 2 * SECONDS_BETWEEN_LINES)
        progress.advance(0.25, images=8)
        progress.close()
    assert "1/8" in shown[0]
    assert "step 1" not in shown[0]
