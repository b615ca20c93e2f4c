"""Files are whole or absent, and nothing in an .npz file is ever executed."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from scanline.files import load_arrays, save_arrays, sha256_of, whole_folder, write_whole


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # The example of FIPS 180-4.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


def test_a_folder_appears_when_all_is_written(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("before")
    with whole_folder(out) as partial:
        assert list(partial.iterdir()) == []
        (partial / "a").write_text("after")
        (partial / "deep").mkdir()
        (partial / "deep/b").write_text("b")
        assert (out / "a").read_text() == "before"
    assert (out / "a").read_text() == "after"
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*")) == ["a", "deep", "deep/b"]


def fail_after_writing(folder):
    with whole_folder(folder) as partial:
        (partial / "a").write_text("after")
        raise ArithmeticError


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_text("before")
    with pytest.raises(ArithmeticError):
        fail_after_writing(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "before"


def test_write_whole_replaces_or_leaves(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    (path.parent / "other").touch()
    assert path.stat().st_mode == (path.parent / "other").stat().st_mode  # others may read it, too
    (path.parent / "other").unlink()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, b"three")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_arrays_and_description_survive(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"x": np.arange(6, dtype=np.int32).reshape(2, 3), "y": np.zeros(0, np.uint8)}
    save_arrays(path, {"threshold": 0.1, "runs": [1, 2]}, **arrays)
    loaded, description = load_arrays(path, "x", "y")
    assert description == {"threshold": 0.1, "runs": [1, 2]}
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_a_missing_array_is_named_with_those_held(tmp_path):
    save_arrays(tmp_path / "a.npz", x=np.zeros(1))
    with pytest.raises(ValueError, match=r"a.npz has no array 'y'; it holds description, x"):
        load_arrays(tmp_path / "a.npz", "y")
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "b.npz", "y")


@pytest.mark.parametrize("length", [0, 3, 50, -1])
def test_a_file_cut_short_is_refused_by_name(tmp_path, length):
    path = tmp_path / "a.npz"
    save_arrays(path, x=np.arange(100))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"a.npz is not a readable .npz file"):
        load_arrays(path, "x")


class Hostile:
    """Unpickling it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("kind", ["object array", "bare pickle"])
def test_a_stranger_file_runs_no_code(tmp_path, kind):
    path, mark = tmp_path / "a.npz", tmp_path / "executed"
    hostile = Hostile(mark)
    if kind == "object array":
        trap = np.array([hostile], object)
        np.savez(path, x=trap, description=np.array(json.dumps({})), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(hostile))
    with pytest.raises(ValueError, match=r"a.npz is not a readable .npz file"):
        load_arrays(path, "x")
    assert not mark.exists()


def test_a_second_writer_is_refused_at_once_and_the_first_goes_on(tmp_path):
    second = (
        "from pathlib import Path\nfrom scanline.files import whole_folder\n"
        f"with whole_folder(Path({str(tmp_path)!r})): pass"
    )
    with whole_folder(tmp_path) as partial:
        (partial / "a").write_text("first")
        done = subprocess.run([sys.executable, "-c", second], capture_output=True, text=True)
        assert done.returncode == 1
        assert f"ValueError: {tmp_path} is written by another process" in done.stderr
    assert (tmp_path / "a").read_text() == "first"
    subprocess.run([sys.executable, "-c", second], check=True)


def write_two(folder):
    with whole_folder(folder) as partial:
        (partial / "a").write_text("after")
        (partial / "b").write_text("after")


def test_files_are_on_disk_before_the_first_is_renamed(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("before")

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_two(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "before"


KILLED_AT = """
import os, sys
from pathlib import Path
from scanline.files import whole_folder

replace, left = os.replace, int(sys.argv[2])

def replace_or_die(*paths):
    global left
    if left == 0:
        os._exit(9)
    left -= 1
    replace(*paths)

os.replace = replace_or_die
with whole_folder(Path(sys.argv[1])) as partial:
    for name in ("a", "b", "c"):
        (partial / name).write_text("after")
"""


@pytest.mark.parametrize("renames", range(5))
def test_a_batch_killed_between_two_renames_ends_all_old_or_all_new(tmp_path, renames):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("before")
    killed = subprocess.run([sys.executable, "-c", KILLED_AT, tmp_path, str(renames)])
    assert killed.returncode == (9 if renames < 4 else 0)  # the batch's own rename, then three
    # The next block settles it before it begins.
    with pytest.raises(ArithmeticError), whole_folder(tmp_path):
        raise ArithmeticError
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == dict.fromkeys("abc", "after" if renames else "before")
