"""What a record says of a stage, and the key that names all that its result depends on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scanline.files import sha256_of
from scanline.provenance.code import code_hash
from scanline.provenance.record import NAME, Record, records_in


@pytest.fixture
def record(tmp_path) -> Record:
    """A stage that reads one file and has two settings."""
    (tmp_path / "input").write_text("pixels")
    settings = {"seed": 1, "epochs": 3}
    return begin(tmp_path / "out", settings, test=[tmp_path / "input"])


def begin(out: Path, settings: dict, **inputs: list[Path]) -> Record:
    return Record.begin("hide_pixels", out, settings, inputs)


def test_a_record_is_read_as_it_was_written(record, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "hidden.npz").write_text("hidden")
    record.end(out)
    read = Record.load(out / NAME)
    assert read == record
    assert read.outputs == {"hidden.npz": sha256_of(out / "hidden.npz")}
    assert read.inputs == {f"{tmp_path}/input": sha256_of(tmp_path / "input")}
    assert read.code_sha256 == code_hash("hide_pixels")
    assert list(records_in(tmp_path)) == [out]


def test_the_key_changes_with_all_that_a_result_depends_on(record, tmp_path):
    (tmp_path / "input").write_text("other pixels")
    changed = [
        replace(record, script="hide_patches"),
        replace(record, code_sha256="0" * 64),
        replace(record, settings={"seed": 1, "epochs": 4}),
        replace(record, settings={"seed": 3, "epochs": 1}),
        begin(tmp_path / "out", record.settings, test=[tmp_path / "input"]),
    ]
    assert len({record.key, *(each.key for each in changed)}) == 6


def test_the_key_does_not_change_with_place_time_machine_or_order(record, tmp_path):
    moved = tmp_path / "moved"
    moved.write_text("pixels")
    again = begin(tmp_path / "other", {"epochs": 3, "seed": 1}, test=[moved])
    assert again.run_id != record.run_id
    there = replace(again, environment={"cores": 99}, started="then", computed={"by": "other"})
    assert there.key == record.key


def test_the_key_tells_inputs_that_have_changed_places(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    records = [
        begin(tmp_path, {}, **inputs)
        for inputs in (
            dict(train=[one], validation=[two]),
            dict(train=[two], validation=[one]),
            dict(train=[one, two]),
            dict(train=[two, one]),  # their order may decide, too
            dict(train=[one], validation=[one]),
            dict(train=[one]),
            dict(validation=[one]),
        )
    ]
    assert len({record.key for record in records}) == len(records)
    assert records[0].roles == {"train": [f"{one}"], "validation": [f"{two}"]}


@pytest.mark.parametrize("text", ["{", json.dumps({"script": "hide_pixels"})])
def test_what_is_no_record_is_named(text, tmp_path):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ValueError, match=f"{NAME} is not a stage's record"):
        records_in(tmp_path)


def test_work_in_progress_has_no_record(record, tmp_path):
    partial = tmp_path / "out/.partial-x"
    partial.mkdir(parents=True)
    record.end(partial)
    assert records_in(tmp_path) == {}
