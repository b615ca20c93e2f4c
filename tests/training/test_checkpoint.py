"""Checkpoints: the newest whole one is taken, nothing in it executed; old ones are removed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from study_copy import ROOT

from scanline.training.checkpoint import Checkpoints

DAY = 24 * 3600


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    """Of three that were written, two."""
    made = Checkpoints(tmp_path / "results/checkpoints/a_training/key")
    for step in (1, 20, 300):
        made.save(step, {"weight": np.full(3, step)}, {"epochs": [step]})
    return made


def test_the_last_two_are_kept_and_the_newest_is_taken(checkpoints):
    names = ["step-000000020.npz", "step-000000300.npz"]
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == names
    arrays, description = checkpoints.load()
    np.testing.assert_array_equal(arrays["weight"], [300, 300, 300])
    assert description == {"epochs": [300]}


@pytest.mark.parametrize("damage", ["empty", "cut", "stranger"])
def test_a_damaged_one_is_named_and_the_one_before_is_taken(checkpoints, damage, capsys, tmp_path):
    newest = checkpoints.folder / "step-000000300.npz"
    if damage == "stranger":  # an object whose unpickling would write a file
        trap = np.array([_Hostile(tmp_path / "mark")], object)
        np.savez(newest, weight=trap, description=np.array("{}"), allow_pickle=True)
    else:
        end = {"empty": 0, "cut": -20}[damage]
        newest.write_bytes(newest.read_bytes()[:end])
    arrays, description = checkpoints.load()
    assert description == {"epochs": [20]}
    np.testing.assert_array_equal(arrays["weight"], [20, 20, 20])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{newest} is damaged (")
    assert not (tmp_path / "mark").exists()


def test_a_changed_byte_anywhere_changes_no_weight(checkpoints, capsys):
    newest = checkpoints.folder / "step-000000300.npz"
    sound, passed_over = newest.read_bytes(), 0
    for at in range(len(sound)):
        newest.write_bytes(sound[:at] + bytes([sound[at] ^ 0x10]) + sound[at + 1 :])
        arrays, description = checkpoints.load()
        named = f"{newest} is damaged (" in capsys.readouterr().err
        np.testing.assert_array_equal(arrays["weight"], [20 if named else 300] * 3)
        assert description == {"epochs": [20 if named else 300]}
        passed_over += named
    assert passed_over > len(sound) / 2  # the rest are dates and such, which no checksum covers


class _Hostile:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_without_any_there_is_none(tmp_path):
    assert Checkpoints(tmp_path / "none").load() is None


@pytest.mark.parametrize("days", [29, 31])
def test_those_of_trainings_given_up_are_removed_after_30_days(checkpoints, days, tmp_path):
    results = tmp_path / "results"
    stage = results / "checkpoints/a_training"
    recent = Checkpoints(results / "checkpoints/another/key")
    recent.save(1, {}, {})
    then = time.time() - days * DAY
    for path in [*stage.rglob("*"), stage]:
        os.utime(path, (then, then))
    words = ["workflow/scripts/clear_checkpoints.py", "--results", str(results)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert stage.exists() == (days < 30)
    told = f"{stage}: removed; nothing has touched it for 30 days\n"
    assert done.stdout == (told if days > 30 else "")
    assert recent.load()
