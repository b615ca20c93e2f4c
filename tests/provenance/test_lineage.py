"""What each result was made from: the chain of its makers, as ``make runs`` lists it."""

import re
from pathlib import Path

from recorded_study import PLACE, RESULTS, TRAIN, call
from tiny_study import DATA, train

from scanline.files import sha256_of
from scanline.provenance import tracking
from scanline.provenance.lineage import Lineage
from scanline.provenance.record import Record, records_in

TEST_IMAGES = "t10k-images-idx3-ubyte"


def test_runs_are_listed_with_the_chain_from_the_pixels_to_the_table(finished):
    code, lines, _ = call(finished, "list_runs", "--results", "results")
    assert code == 0
    record = Record.load(finished.folder / RESULTS / DATA / "tables/run.json")
    (at,) = (i for i, line in enumerate(lines) if line.endswith(f"{RESULTS / DATA}/tables"))
    assert lines[at].startswith(f"{record.run_id[:8]}  {record.started[:16]}  ")
    *chains, total = lines[at + 1 :]
    count = len(records_in(finished.folder / RESULTS))
    assert re.fullmatch(rf"{count} runs, \d+\.\d\d CPU-hours \(a stage has one thread\)", total)

    def named(folder: Path, file: str, more: str = "") -> str:
        return f"{folder.name}/{file} {sha256_of(finished.folder / folder / file)[:8]}{more}"

    score = named(PLACE / "score", "scores.csv")
    samples = named(PLACE / "samples", "samples.npz")
    pixels = RESULTS / DATA / "pixels"
    raw = sha256_of(finished.folder / "digits" / TEST_IMAGES)[:8]
    start = f"    digits/{TEST_IMAGES} {raw} +3"
    hidden = named(RESULTS / DATA / "complete/hidden", "hidden.npz")
    model = named(TRAIN, "model.keras")
    assert sorted(chains) == sorted(
        [
            f"{start} → {named(pixels, 'train.npz', ' +1')} → {model} → {samples} → {score}",
            f"{start} → {named(pixels, 'test.npz')} → {hidden} → {samples} → {score}",
        ]
    )


def test_the_list_starts_with_what_was_made_first(finished):
    records = Lineage(records_in(finished.folder / RESULTS)).in_order()
    assert [record.script for record in records] == [
        "binarise",
        "hide_pixels",
        "train_predictor",
        "sample_completions",
        "score_completions",
        "make_tables",
    ]


def test_a_file_that_was_made_anew_is_marked_in_the_chains(copied, monkeypatch):
    monkeypatch.chdir(copied.folder)
    monkeypatch.setenv(tracking.ADDRESS, "none")
    old = sha256_of(TRAIN / "model.keras")[:8]
    train(RESULTS, epochs=1)
    _, lines, _ = call(copied, "list_runs")
    marked = [line for line in lines if f"model.keras {old} (changed since) → samples" in line]
    assert len(marked) == 2  # of the scores and of the tables
