"""The benchmark's arithmetic, and that its straightforward forms give this project's numbers."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import bench
import inference
import limit
import loop
import publish
import rates
import train_step
from work import CUT, SIDE, TASKS

from scanline.models.predictor import Predictor

COLUMNS = (
    *("task", "variant", "implementation", "precision", "arrangement", "images_per_second"),
    *("ratio_to_best_peer", "ratio_in_precision", "share_of_limit", "peak_rss_mib"),
)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model():
    return Predictor("gru", 3, 1, {"rows": SIDE, "columns": SIDE})


def test_rows_count_by_the_fastest_peer_of_any_precision():
    found = {
        ("scanline", "float32", "one process"): (300.0, 10.4),
        ("scanline", "bfloat16", "one process"): (450.0, 10.6),
        ("keras", "float32", "one process"): (40.0, 20.0),
        ("torch", "float32", "a process for each core"): (60.0, 30.0),
        ("keras", "bfloat16", "a process for each core"): (90.0, 30.0),
    }
    rows = bench.rows_of("training", "gru-32", found, {"float32": 600.0, "bfloat16": 900.0})
    assert tuple(rows[0]) == COLUMNS
    assert [row["ratio_to_best_peer"] for row in rows] == [3.333, 5.0, 0.444, 0.667, 1.0]
    assert [row["ratio_in_precision"] for row in rows] == [5.0, 5.0, 0.667, 1.0, 1.0]
    assert [row["share_of_limit"] for row in rows] == [0.5, 0.5, 0.067, 0.1, 0.1]
    assert [row["peak_rss_mib"] for row in rows] == [10, 11, 20, 30, 30]
    alone = {("scanline", "float32", "one process"): (300.0, 10.0)}
    (row,) = bench.rows_of("growth", "gru-64", alone, {})
    assert row["ratio_to_best_peer"] == row["ratio_in_precision"] == row["share_of_limit"] == ""


def test_bfloat16_runs_in_the_better_arrangement_and_peers_may_not_run():
    def measured(who, precision, processes, threads):
        if (who, precision) == ("keras", "bfloat16"):
            raise rates.NotReadyError("keras did not get ready")
        return 10.0 * processes if who == "scanline" else 10.0 * threads, 1.0

    both = ("float32", "bfloat16")
    rows = bench.turn("training", "gru-32", ("scanline", "keras"), both, measured, {})
    ran = [(row["implementation"], row["precision"], row["arrangement"]) for row in rows]
    one, many = bench.ARRANGEMENTS
    better = many if bench.CORES > 1 else one
    assert ran == [
        ("scanline", "float32", one),
        ("scanline", "float32", many),
        ("scanline", "bfloat16", better),
        ("keras", "float32", one),
        ("keras", "float32", many),
    ]


def test_the_loop_is_compared_with_the_checkout_before(monkeypatch, tmp_path):
    def measured(script, task, processes, options, checkout):
        assert options["units"] == (128 if task == "scoring" else 64)
        assert ("inputs" in options) == (task == "loop")
        now = {"float32": 150.0, "bfloat16": 200.0}[options["precision"]]
        return 100.0 if checkout == tmp_path else now, 10.0

    monkeypatch.setattr(bench, "measure", measured)
    rows = bench.loop(("gru-64-context",), 1, tmp_path)
    ratios = [(row["task"], row["precision"], row["ratio_to_before"]) for row in rows]
    assert ratios == [
        ("loop", "float32", 1.0),
        ("loop", "float32", 1.5),
        ("loop", "bfloat16", 2.0),
        ("scoring", "float32", 1.0),
        ("scoring", "float32", 1.5),
    ]
    alone = bench.loop(("gru-64-context",), 1, None)
    assert {row["ratio_to_before"] for row in alone} == {""}


def test_the_study_s_training_loop_is_timed_in_whole_epochs(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    # TensorFlow's threads are set before it first computes, which here is long past.
    monkeypatch.setattr(loop, "use_threads", lambda threads: None)
    monkeypatch.setattr(loop, "BATCHES", 11)
    grey = np.random.default_rng(0).integers(0, 256, 16 + 24 * SIDE**2, np.uint8)
    grey.tofile(tmp_path / "train-images-idx3-ubyte")
    loop.main("loop", data=tmp_path, units=3, batch=2, seconds=0)
    ready, figures = capsys.readouterr().out.splitlines()
    assert ready == "ready"
    images_per_second, peak_mib = map(float, figures.split())
    assert images_per_second > 0
    assert peak_mib > 100


def test_digits_are_ink_above_the_report_s_threshold(tmp_path):
    grey = np.array([25, 26] * (SIDE**2 // 2), np.uint8)  # 25.5 is a tenth of full scale
    np.concatenate([np.zeros(16, np.uint8), grey, grey]).tofile(tmp_path / "images")
    images = loop.digits(tmp_path / "images", 2)
    assert images.pixels.tolist() == [[0, 1] * (SIDE**2 // 2)] * 2


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_both_implementations_take_the_same_step(cell, monkeypatch):
    monkeypatch.setattr(train_step, "use_threads", lambda threads: None)
    x = np.random.default_rng(0).integers(0, 2, (4, 16, 1)).astype(np.float32)
    for make in (train_step.scanline_step, train_step.keras_step):
        for precision in ("float32", "bfloat16"):
            step = make(cell, 3, 2, x, threads=1, precision=precision)
            first = step()
            assert 0.3 < first < 2  # log 2 where nothing is known, more where weights are random
            for _ in range(30):
                last = step()
            assert last < first


def test_the_limit_is_a_rate_of_operations():
    for precision in ("float32", "bfloat16"):
        command = [str(limit.build()), precision, "0.01"]
        speed, _ = rates.rate(command, processes=1, threads=1, checkout=ROOT)
        assert 1e8 < speed < 1e12  # of one core


def test_a_process_that_is_not_ready_is_named():
    with pytest.raises(rates.NotReadyError, match=r"^false did not get ready"):
        rates.rate(["false"], processes=2, threads=1, checkout=ROOT)


def test_the_tables_show_both_precisions_and_what_was_before(tmp_path):
    found = {
        ("scanline", "float32", "one process"): (300.0, 910.0),
        ("scanline", "bfloat16", "one process"): (450.0, 900.0),
        ("torch", "float32", "a process for each core"): (60.0, 30.0),
        ("keras", "bfloat16", "a process for each core"): (90.0, 30.0),
    }
    limits = {"float32": 600.0, "bfloat16": 900.0}
    rows = bench.rows_of("training", "gru-32", found, limits)
    pd.DataFrame(rows).to_csv(tmp_path / "training.csv", index=False)
    row = publish.training(tmp_path / "training.csv").splitlines()[2]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        *("gru-32", "300", "450", "Keras bfloat16, 90", "5.0", "5.0", "50 %, 50 %", "910, 900")
    ]
    columns = "task,variant,implementation,precision,images_per_second,ratio_to_before\n"
    (tmp_path / "loop.csv").write_text(
        columns
        + "loop,gru-32,before,float32,1000,1\n"
        + "loop,gru-32,scanline,float32,1200,1.2\n"
        + "loop,gru-32,scanline,bfloat16,1500,1.5\n"
        + "scoring,gru-128,scanline,float32,2000,\n"
    )
    rows = publish.loop(tmp_path / "loop.csv").splitlines()[-2:]
    assert [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows] == [
        ["gru-32", "1,000", "1,200", "1.20", "1,500", "1.50"],
        ["scoring, gru-128", "", "2,000", "", "", ""],
    ]


def test_operations_are_two_an_element_of_the_matrices_and_pass():
    assert bench.operations("gru", 32, 1, passes=3) == 6 * 784 * 3 * 32 * 33
    assert bench.operations("lstm", 32, 3, passes=1) == 2 * 784 * 4 * 32 * (33 + 64 + 64)


def test_a_part_is_named_where_it_is_not_the_whole():
    assert TASKS["sampling"].extrapolated_from("keras") == "4 of 300 pixels"
    assert TASKS["sampling"].extrapolated_from("scanline") == ""
    assert TASKS["sampling"].whole == SIDE * SIDE - CUT


def test_straightforward_likelihoods_are_the_scorers(model):
    ours, theirs = (inference.work("likelihood", model, each, 3, 3)() for each in (True, False))
    np.testing.assert_allclose(-theirs / SIDE**2, ours, rtol=1e-5)


def test_straightforward_inpainting_is_exact(model):
    ours, theirs = (inference.work("inpainting", model, each, 3, 3)() for each in (True, False))
    np.testing.assert_allclose(theirs.log_joint, ours.log_joint, rtol=1e-5)
    np.testing.assert_array_equal(theirs.hidden, ours.hidden)


def test_straightforward_samples_keep_what_is_given(model):
    drawn = inference.work("sampling", model, False, 2, 20)()
    given = np.repeat(inference.random_images(2).pixels, 10, axis=0)
    np.testing.assert_array_equal(drawn[:, :CUT], given[:, :CUT])
    assert drawn.shape == given.shape
    assert set(np.unique(drawn)) <= {0, 1}


def test_the_cost_of_a_study_is_its_images_by_the_measured_rates(tmp_path):
    """gru-32 learns from 55,000 images in 30 epochs as classifier and in 40 as predictor."""
    lines = ["task,variant,implementation,precision,images_per_second"]
    for implementation, precision, rate in (
        ("before", "float32", 1000),
        ("scanline", "float32", 2000),
        ("scanline", "bfloat16", 4000),
    ):
        lines.append(f"loop,gru-32,{implementation},{precision},{rate}")
    (tmp_path / "loop.csv").write_text("\n".join(lines) + "\n")
    told = " ".join(publish.cost(tmp_path / "loop.csv", 2).split())
    wanted = [70 * 55_000 * 2 / rate / 3600 for rate in (1000, 2000, 4000)]
    before, float32, bfloat16 = (f"{hours:.1f}" for hours in wanted)
    assert f"takes {before} hours of one core by the loop before, {float32} in float32" in told
    assert f"and {bfloat16} in bfloat16" in told
    assert "gru-128-context, gru-3x32, gru-64" in told  # which have no rate here
