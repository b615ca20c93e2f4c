"""What does not match the records, the config or the code is named, and nothing else."""

import json
import os
import shutil
from pathlib import Path

import pytest
from recorded_study import CONFIG, PLACE, RESULTS, TRAIN, TRAINING, call
from study_copy import Study
from tiny_study import DATA
from written_sets import write_folders

from binarise import binarise
from scanline.data.binarise import PixelSettings
from scanline.files import sha256_of
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from scanline.provenance.verify import verify as verified
from scanline.study.config import load_config
from scanline.study.kept import keep


def verify(made: Study) -> tuple[int, list[str], str]:
    return call(made, "verify_results", "--configfile", "smoke.yaml")


def changed(path: Path, before: str, kind: str, folder: Path) -> str:
    """The line for a file with another content."""
    return f"{path}: content {sha256_of(path)[:8]}, recorded {before[:8]} (an {kind} of {folder})"


def append(path: Path) -> str:
    """Adds a line to a file; returns the hash before."""
    before = sha256_of(path)
    with open(path, "ab") as file:
        file.write(b"\n")
    return before


def test_untouched_results_match(finished):
    code, lines, errors = verify(finished)
    assert lines == [
        "results: 6 stages, 13 files; all match their records, the config and the code"
    ]
    assert (code, errors) == (0, "")


def test_an_edited_output_is_named_for_its_maker_and_its_readers(copied, monkeypatch):
    monkeypatch.chdir(copied.folder)
    scores = PLACE / "score/scores.csv"
    before = append(scores)
    code, lines, errors = verify(copied)
    assert code == 1
    assert lines == [
        changed(scores, before, "output", PLACE / "score"),
        changed(scores, before, "input", RESULTS / DATA / "tables"),
    ]
    assert errors == "results: 6 stages, 13 files; 2 do not match\n"


def test_a_changed_raw_file_is_named(copied, monkeypatch):
    monkeypatch.chdir(copied.folder)
    labels = Path("digits", "t10k-labels-idx1-ubyte")
    before = append(labels)
    assert verify(copied)[:2] == (1, [changed(labels, before, "input", RESULTS / "tiny/pixels")])


def test_a_missing_and_an_unrecorded_file_are_named(copied):
    (copied.folder / PLACE / "score/by_image.csv").rename(copied.folder / PLACE / "score/mine.csv")
    assert verify(copied)[:2] == (
        1,
        [
            f"{PLACE}/score/by_image.csv: missing (an output of {PLACE}/score)",
            f"{PLACE}/score/mine.csv: no stage recorded this file",
        ],
    )


def keep_config(made: Study) -> dict:
    """The config and plan that the workflow leaves with the results: here, of what was run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        config = load_config([Path("config.yaml"), Path("smoke.yaml")])
        records = [record for record in RESULTS.rglob("run.json")]
        files = [path for record in records for path in record.parent.iterdir() if path.is_file()]
        keep(config, [path.as_posix() for path in files])
    return config


def test_the_config_and_the_plan_lie_with_the_results(copied):
    keep_config(copied)
    (copied.folder / "smoke.yaml").unlink()
    code, lines, errors = call(copied, "verify_results")
    assert (code, errors) == (0, "")
    assert lines == [
        "results: 6 stages, 13 files; all match their records, the config and the code"
    ]
    (copied.folder / RESULTS / "config.json").unlink()
    code, lines, errors = call(copied, "verify_results")
    assert (code, lines) == (1, [])
    assert errors.startswith("verify_results: results/config.json is missing, in which ")


@pytest.mark.parametrize("folder", ["score", "tables", "complete/hidden"])
def test_a_deleted_folder_is_told_also_where_nothing_reads_it(copied, folder):
    keep_config(copied)
    path = PLACE / folder if folder == "score" else RESULTS / DATA / folder
    shutil.rmtree(copied.folder / path)
    code, lines, _ = call(copied, "verify_results")
    assert code == 1
    assert f"{path}: missing, no stage has run" in lines


def test_an_unreadable_record_hides_nothing_else(copied, monkeypatch):
    monkeypatch.chdir(copied.folder)
    keep_config(copied)
    (PLACE / "samples/run.json").write_text("{")
    before = append(PLACE / "score/scores.csv")
    code, lines, _ = call(copied, "verify_results")
    assert code == 1
    assert [line.split(" (")[0] for line in lines if "an input of" not in line] == [
        f"{PLACE}/samples/run.json is not a stage's record",
        changed(PLACE / "score/scores.csv", before, "output", PLACE / "score").split(" (")[0],
    ]
    code, listed, errors = call(copied, "list_runs")
    assert code == 1
    assert any(f"{TRAIN}" in line for line in listed)
    assert f"list_runs: {PLACE}/samples/run.json is not a stage's record" in errors


def test_any_changed_byte_of_a_record_is_noticed(copied):
    path = copied.folder / TRAIN / "run.json"
    sound = path.read_bytes()
    for at in range(0, len(sound), 7):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x01]) + sound[at + 1 :])
        try:
            read = Record.load(path)
        except ValueError:
            continue
        # What is left: another form of the same JSON.
        assert json.loads(path.read_bytes()) == json.loads(sound), (at, read)


@pytest.mark.parametrize("way", ["renamed", "linked", "project moved", "all elsewhere"])
def test_a_moved_study_matches(copied, tmp_path, way):
    keep_config(copied)
    results = Path("kept")
    if way == "renamed":
        (copied.folder / RESULTS).rename(copied.folder / results)
    elif way == "linked":
        (copied.folder / RESULTS).rename(tmp_path / "kept")
        (copied.folder / results).symlink_to(tmp_path / "kept")
    elif way == "all elsewhere":
        (copied.folder / RESULTS).rename(tmp_path / "kept")
        results = tmp_path / "kept"
    else:
        copied.folder.rename(tmp_path / "moved")
        copied, results = Study(tmp_path / "moved"), RESULTS
    code, lines, errors = call(copied, "verify_results", "--results", str(results))
    assert (code, errors) == (0, "")
    assert lines[0].startswith(f"{results}: 6 stages, 13 files; all match")
    _, lines, _ = call(copied, "list_runs", "--results", str(results))
    assert sum(f"{results}/{DATA}" in line for line in lines) == 6
    assert not any("changed since" in line for line in lines)


def test_a_stage_s_folder_in_the_place_of_another_is_told(copied):
    keep_config(copied)
    other = copied.folder / RESULTS / DATA / "predict/gru-4/seed-2/train"
    shutil.copytree(copied.folder / TRAIN, other)
    copied.configure(seeds=[1, 2])
    _, lines, _ = verify(copied)
    assert f"{other.relative_to(copied.folder)}: its record is that of {TRAIN}" in lines


def test_a_changed_setting_is_named_with_both_values(copied):
    copied.configure(
        predict={"exceptions": [{"variants": ["gru-4"], "training": TRAINING | {"epochs": 4}}]},
        complete={"samples": 3},
    )
    assert verify(copied)[:2] == (
        1,
        [
            f"{PLACE}/samples: made with samples 2, the config says 3",
            f"{TRAIN}: made with epochs 3, the config says 4",
        ],
    )


def test_a_variant_that_the_config_no_longer_has_is_named(copied):
    text = (copied.folder / "smoke.yaml").read_text()
    (copied.folder / "smoke.yaml").write_text(text.replace("gru-4", "gru-5"))
    assert verify(copied)[:2] == (
        1,
        [
            f"{PLACE}/samples: the config has no complete/gru-4 any more",
            f"{PLACE}/score: the config has no complete/gru-4 any more",
            f"{TRAIN}: the config has no predict/gru-4 any more",
        ],
    )


def test_a_seed_that_the_config_no_longer_has_is_named(copied):
    copied.configure(seeds=[2])
    assert verify(copied)[:2] == (
        1,
        [
            f"{folder}: the config has no seed-1 any more"
            for folder in (f"{PLACE}/samples", f"{PLACE}/score", TRAIN)
        ],
    )


def test_changed_code_is_named_for_each_stage_that_imports_it(copied):
    with open(copied.folder / "src/scanline/inference/ancestral.py", "a") as file:
        file.write("\nNEW = 1\n")
    assert verify(copied)[:2] == (
        1,
        [
            f"{PLACE}/samples: made by other code of sample_completions"
            " (scanline/inference/ancestral.py)",
        ],
    )


def test_a_remark_in_the_code_and_another_time_match(copied):
    with open(copied.folder / "src/scanline/inference/ancestral.py", "a") as file:
        file.write("# A remark.\n")
    for path in (copied.folder / "results").rglob("*"):
        os.utime(path)
    assert verify(copied)[0] == 0


def test_without_records_there_is_one_line(finished, tmp_path):
    code, lines, errors = call(finished, "verify_results", "--results", str(tmp_path))
    assert (code, lines) == (1, [])
    assert errors == (
        f"verify_results: {tmp_path}/config.json is missing, in which a study keeps its config; "
        f"run the study, or name its folder of results (RESULTS=…)\n"
    )
    words = ("--configfile", "smoke.yaml", "--results", str(tmp_path))
    assert call(finished, "verify_results", *words) == (
        1,
        [],
        f"verify_results: {tmp_path} holds no record (run.json); run the study first\n",
    )


def test_a_folder_of_images_is_compared_by_its_content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folders(Path("pictures"), "abcdefghij", splits=True)
    made = {"data": "d", "source": "pictures", "method": "threshold", "threshold": 0.3}
    settings = PixelSettings(**made, validation_images=5)
    run(binarise, files=(Path("pictures"),), settings=settings, out=RESULTS / "d/pixels")

    def told() -> list[str]:
        lines = verified(RESULTS, CONFIG).mismatches
        return [line for line in lines if line.startswith("pictures: ")]

    assert told() == []
    next(Path("pictures/train/a").iterdir()).unlink()
    assert "content" in told()[0]
    shutil.rmtree("pictures")
    assert "missing" in told()[0]
