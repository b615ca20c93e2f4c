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
TRAINING = {
    "recipe": {"epochs": 3, "decay": "cosine"},
    "weights": [(3,)],
    "train": "1f",
    "held_out": "2e",
}


def loaded(checkpoints: Checkpoints) -> tuple | None:
    """What is restored: arrays and description, or None."""
    found: list = []
    restored = checkpoints.load(lambda *content: found.append(content))
    assert restored == bool(found)
    return found[0] if found else None


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    """Of three that were written, two."""
    made = Checkpoints(tmp_path / "results/checkpoints/a_training/key", TRAINING)
    for step in (1, 20, 300):
        made.save(step, {"weight": np.full(3, step)}, {"epochs": [step]})
    return made


def test_the_last_two_are_kept_and_the_newest_is_taken(checkpoints):
    names = ["step-000000020.npz", "step-000000300.npz"]
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == names
    arrays, description = loaded(checkpoints)
    np.testing.assert_array_equal(arrays["weight"], [300, 300, 300])
    assert description == {"epochs": [300]}


@pytest.mark.parametrize(
    "other",
    [
        {"recipe": {"epochs": 4, "decay": "cosine"}},
        {"recipe": {"epochs": 3, "decay": "constant"}},
        {"weights": [(4,)]},
        {"train": "2e", "held_out": "1f"},  # they have changed places
    ],
)
def test_those_of_another_training_are_set_aside_and_named(checkpoints, other, capsys):
    of_other = Checkpoints(checkpoints.folder, TRAINING | other)
    assert loaded(of_other) is None
    *lines, last = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{checkpoints.folder}/{name} belongs to another training (other settings or images); "
        f"it is set aside as {name}.set-aside"
        for name in ("step-000000300.npz", "step-000000020.npz")
    ]
    assert last == "No checkpoint is left; the training starts anew."
    of_other.save(7, {"weight": np.full(3, 7)}, {"epochs": [7]})
    assert loaded(of_other)[1] == {"epochs": [7]}
    assert capsys.readouterr().err == ""


def test_what_cannot_be_restored_is_set_aside_and_the_one_before_is_taken(checkpoints, capsys):
    taken = []

    def restore(arrays, description):
        if description["epochs"] == [300]:
            raise ValueError("weight_0 has shape (3,), not (4,)")
        taken.append(description)

    assert checkpoints.load(restore)
    assert taken == [{"epochs": [20]}]
    (line,) = capsys.readouterr().err.splitlines()
    assert "300.npz belongs to another training (weight_0 has shape" in line
    assert "300.npz.set-aside" in line


@pytest.mark.parametrize("damage", ["empty", "cut", "stranger"])
def test_a_damaged_one_is_named_and_the_one_before_is_taken(checkpoints, damage, capsys, tmp_path):
    newest = checkpoints.folder / "step-000000300.npz"
    if damage == "stranger":  # an object whose unpickling would write a file
        trap = np.array([_Hostile(tmp_path / "mark")], object)
        np.savez(newest, weight=trap, description=np.array("{}"), allow_pickle=True)
    else:
        end = {"empty": 0, "cut": -20}[damage]
        newest.write_bytes(newest.read_bytes()[:end])
    arrays, description = loaded(checkpoints)
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
        arrays, description = loaded(checkpoints)
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
    assert loaded(Checkpoints(tmp_path / "none", TRAINING)) is None


@pytest.mark.parametrize("days", [29, 31])
def test_those_of_trainings_given_up_are_removed_after_30_days(checkpoints, days, tmp_path):
    results = tmp_path / "results"
    stage = results / "checkpoints/a_training"
    recent = Checkpoints(results / "checkpoints/another/key", TRAINING)
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
    assert loaded(recent)
