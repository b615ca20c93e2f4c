"""The benchmark's arithmetic, and that its straightforward forms give this project's numbers."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))

import bench
import inference
import train_step
from work import CUT, SIDE, TASKS

from scanline.models.predictor import Predictor

COLUMNS = (
    *("task", "variant", "implementation", "arrangement", "images_per_second"),
    *("ratio_to_best_peer", "share_of_limit", "peak_rss_mib"),
)


@pytest.fixture(scope="module")
def model():
    return Predictor("gru", 3, 1, {"rows": SIDE, "columns": SIDE})


def test_rows_count_by_the_fastest_peer():
    found = {
        ("scanline", "one process"): (300.0, 10.4),
        ("keras", "one process"): (40.0, 20.0),
        ("torch", "a process a core"): (60.0, 30.0),
    }
    rows = bench.rows_of("training", "gru-32", found, 600.0)
    assert tuple(rows[0]) == COLUMNS
    assert [row["ratio_to_best_peer"] for row in rows] == [5.0, 0.667, 1.0]
    assert [row["share_of_limit"] for row in rows] == [0.5, 0.067, 0.1]
    assert [row["peak_rss_mib"] for row in rows] == [10, 20, 30]
    alone = bench.rows_of("growth", "gru-64", {("scanline", "one process"): (300.0, 10.0)}, None)
    assert alone[0]["ratio_to_best_peer"] == alone[0]["share_of_limit"] == ""


def test_the_loop_is_a_share_of_the_passes_alone(monkeypatch):
    speeds = {"core": 200.0, "scanline": 190.0, "fit": 180.0}
    monkeypatch.setattr(bench, "rate", lambda script, who, *_: (speeds[who], 10.0))
    rows = bench.loop(("gru-32",), seconds=1, blas=1e9)
    assert {row["implementation"]: row["share_of_core"] for row in rows} == {
        "core": 1.0,
        "scanline": 0.95,
        "fit": 0.9,
    }


def test_the_study_s_training_loop_is_timed_in_whole_epochs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    # TensorFlow's threads are set before it first computes, which here is long past.
    monkeypatch.setattr(train_step, "use_threads", lambda threads: None)
    images = np.random.default_rng(0).integers(0, 2, (4, 16, 1)).astype(np.float32)
    train_step.fit_loop("gru", 3, 1, images, threads=1, seconds=0)
    ready, figures = capsys.readouterr().out.splitlines()
    assert ready == "ready"
    images_per_second, peak_mib = map(float, figures.split())
    assert images_per_second > 0
    assert peak_mib > 100
    assert np.isfinite(train_step.core_step("gru", 3, 2, images, threads=1)())


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
