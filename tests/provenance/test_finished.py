"""Finished stages: found by what they depend on, put back sound, dropped for room."""

import os
from pathlib import Path

import pytest

from scanline.files import sha256_of
from scanline.provenance import finished
from scanline.provenance.finished import RECORD, Finished, key_of
from scanline.provenance.record import NAME, Record
from scanline.provenance.stage import run


def copy_text(*, source: Path, other: Path | None = None, times: int, out: Path) -> None:
    """Writes a text several times over."""
    (out / "deep").mkdir()
    (out / "deep/copy.txt").write_text(source.read_text() * times)


@pytest.fixture(autouse=True)
def stage(monkeypatch):
    monkeypatch.setattr(copy_text, "__name__", "hide_pixels")  # a real script, for the code hash
    monkeypatch.setenv("SCANLINE_TRACKING", "none")


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source.txt"
    path.write_text("ab")
    return path


def finish(results: Path, source: Path, times: int = 1, key: str = "") -> tuple[Path, str]:
    """A stage's folder in ``results``, computed and kept, and the key that it is kept by."""
    out = results / "data/stage"
    run(copy_text, source=source, times=times, out=out)
    key = key or f"key-{times}"
    Finished(results).keep(key, out)
    return out, key


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def test_what_was_removed_is_put_back_as_it_was(tmp_path, source):
    out, key = finish(tmp_path / "results", source)
    before = content(out)
    os.utime(out / "deep/copy.txt", (1, 1))
    remove(out)
    assert Finished(tmp_path / "results").put_back(key, out)
    assert content(out) == before
    assert (out / "deep/copy.txt").stat().st_mtime > 1  # newer than what it was made from
    kept = next((tmp_path / "results").rglob(key))
    assert kept.stat().st_mode == out.stat().st_mode  # who may read results may read what is kept


def test_it_takes_no_room_while_it_is_a_result(tmp_path, source):
    out, key = finish(tmp_path / "results", source)
    kept = tmp_path / "results/.finished/data/stage" / key
    assert os.path.samefile(out / "deep/copy.txt", kept / "deep/copy.txt")
    assert os.path.samefile(out / NAME, kept / RECORD)


def test_a_key_that_is_not_there_puts_nothing_back(tmp_path, source):
    out, _ = finish(tmp_path / "results", source)
    before = content(out)
    assert not Finished(tmp_path / "results").put_back("another", out)
    assert content(out) == before


@pytest.mark.parametrize("name", ["deep/copy.txt", RECORD])
@pytest.mark.parametrize("fault", ["flipped", "gone"])
def test_what_was_damaged_is_dropped_and_said(tmp_path, source, capsys, name, fault):
    out, key = finish(tmp_path / "results", source)
    remove(out)
    kept = tmp_path / "results/.finished/data/stage" / key
    path = kept / name
    flipped = bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]
    path.unlink()
    if fault == "flipped":
        path.write_bytes(flipped)
    assert not Finished(tmp_path / "results").put_back(key, out)
    assert content(out) == {}
    assert not kept.exists()
    assert f"{kept} is damaged and dropped" in capsys.readouterr().err


def test_results_that_moved_are_put_back_where_they_are(tmp_path, source):
    out, key = finish(tmp_path / "results", source)
    before = content(out)
    (tmp_path / "results").rename(tmp_path / "moved")
    remove(tmp_path / "moved/data/stage")
    assert Finished(tmp_path / "moved").put_back(key, tmp_path / "moved/data/stage")
    assert content(tmp_path / "moved/data/stage") == before


def test_the_oldest_make_room(tmp_path, source, monkeypatch):
    results = tmp_path / "results"
    for times in (100, 200, 300):
        finish(results, source, times)
    kept = results / ".finished/data/stage"
    for age, times in enumerate((200, 100, 300)):
        os.utime(kept / f"key-{times}", (age, age))
    # 300 is the present result; 200 and 100 alone hold 1000 bytes and two records.
    held = sum((kept / f"key-{n}" / RECORD).stat().st_size + 2 * n for n in (100, 200))
    monkeypatch.setattr(finished, "LARGEST", held - 1)
    Finished(results).keep("key-300", results / "data/stage")
    assert sorted(path.name for path in kept.iterdir()) == ["key-100", "key-300"]


def test_the_last_version_is_put_back_where_a_stage_failed(tmp_path, source):
    results = tmp_path / "results"
    for times in (3, 1, 2):
        out, _ = finish(results, source, times)
    for age, times in enumerate((3, 1, 2)):
        os.utime(results / f".finished/data/stage/key-{times}", (age, age))
    (out / NAME).unlink()
    planned = [Path("data/stage/deep/copy.txt"), Path("data/stage") / NAME]
    put_back = Finished(results).put_back_missing(planned)
    assert sorted(put_back) == sorted(results / path for path in planned)
    assert Record.load(out / NAME).settings == {"times": 2}
    assert all(path.stat().st_mtime < source.stat().st_mtime for path in put_back)


def test_a_stage_that_is_whole_or_was_never_kept_is_left_alone(tmp_path, source):
    results = tmp_path / "results"
    out, _ = finish(results, source, 1)
    before = {path: path.stat().st_mtime for path in out.rglob("*")}
    planned = [Path("data/stage") / NAME, Path("data/other") / NAME]
    assert Finished(results).put_back_missing(planned) == []
    assert {path: path.stat().st_mtime for path in out.rglob("*")} == before


ARGUMENTS = "--out results/x --checkpoints results/c --source {source} --times 2"


def key(source: Path, script: str = "hide_pixels", **changed: str) -> str:
    arguments = [word.format(source=source) for word in ARGUMENTS.split()]
    for flag, value in changed.items():
        arguments[arguments.index(f"--{flag}") + 1] = value
    return key_of(script, arguments)


def test_a_key_is_of_content_and_not_of_places(tmp_path, source):
    twin = tmp_path / "twin.txt"
    twin.write_bytes(source.read_bytes())
    assert key(source) == key(twin) == key(source, out="elsewhere", checkpoints="other")


def test_a_key_is_of_all_that_a_result_depends_on(tmp_path, source, monkeypatch):
    keys = [key(source), key(source, times="3"), key(source, script="hide_holes")]
    other = tmp_path / "other.txt"
    other.write_text("ba")
    keys.append(key(other))
    two = [["--a", str(source), "--b", str(other)], ["--b", str(source), "--a", str(other)]]
    keys += [key_of("hide_pixels", arguments) for arguments in two]
    monkeypatch.setattr(finished, "versions", lambda: {"numpy": "0.1"})
    keys.append(key(source))
    assert len(set(keys)) == len(keys)


def test_a_stage_that_cannot_be_kept_ends_well(tmp_path, source, capsys):
    results = tmp_path / "results"
    (results / ".finished").parent.mkdir()
    (results / ".finished").write_text("in the way")
    out, _ = finish(results, source)
    assert sha256_of(out / "deep/copy.txt") == Record.load(out / NAME).outputs["deep/copy.txt"]
    assert "is not kept for later runs" in capsys.readouterr().err
