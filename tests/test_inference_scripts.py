"""The scripts that sample, score and infer, run as functions on generated 4 x 4 images."""

import numpy as np
import pandas as pd
import pytest

from hide_patches import hide_patches
from hide_pixels import hide_pixels
from infer_patches import infer_patches
from sample_completions import sample_completions
from scanline.command import run
from scanline.files import load_arrays
from scanline.predictor import Predictor
from score_completions import score_completions

# Keras 3.15 saves weights by a call that NumPy 2 deprecates; no concern of this project.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@pytest.fixture
def model_file(tmp_path, pixel_set):
    path = tmp_path / "model.keras"
    Predictor(cell="gru", units=4, layers=1, pixels=pixel_set.identity).save(path)
    return path


def test_completions_are_sampled_and_scored(tmp_path, pixels_folder, model_file):
    test = pixels_folder / "test.npz"
    run(hide_pixels, test=test, images=5, cut=6, runs=(1, 4, 10), out=tmp_path)
    run(
        sample_completions,
        model=model_file,
        hidden=tmp_path / "hidden.npz",
        samples=3,
        seed=1,
        out=tmp_path,
    )
    arrays, description = load_arrays(
        tmp_path / "samples.npz", "samples", "sample_logits", "truth", "teacher_forced_logits"
    )
    assert description["hidden_runs"] == [1, 4, 10]
    assert arrays["samples"].shape == arrays["sample_logits"].shape == (5, 3, 10)
    assert arrays["truth"].shape == arrays["teacher_forced_logits"].shape == (5, 10)

    run(score_completions, samples=tmp_path / "samples.npz", out=tmp_path)
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert list(scores) == ["quantity", "split_or_hidden", "value", "standard_error", "n"]
    by_run = scores.pivot(index="split_or_hidden", columns="quantity", values="value")
    assert by_run.index.tolist() == [1, 4, 10]
    # For one pixel nothing has been sampled before it.
    assert by_run.ground_truth_under_samples[1] == pytest.approx(
        by_run.ground_truth_teacher_forced[1], abs=1e-5
    )
    by_image = pd.read_csv(tmp_path / "by_image.csv")
    assert list(by_image)[:4] == ["image", "index", "label", "hidden_run"]
    assert len(by_image) == 15


def test_patches_are_inferred(tmp_path, pixels_folder, model_file):
    run(hide_patches, test=pixels_folder / "test.npz", images=6, mean=1, sd=1, out=tmp_path)
    hidden = (tmp_path / "1x1.npz", tmp_path / "2x2.npz")
    out = tmp_path / "posterior"
    run(infer_patches, model=model_file, hidden=hidden, out=out)
    for name, file, k in (("1x1", "1pixel", 1), ("2x2", "2x2pixel", 4)):
        given, _ = load_arrays(tmp_path / f"{name}.npz", "pixels", "hidden")
        found, _ = load_arrays(out / f"{name}.npz", "log_posterior", "map", "truth_rank")
        assert found["log_posterior"].shape == (6, 2**k)
        best = np.load(out / f"optimal_inpaintings_{file}_patch.npy", allow_pickle=False)
        assert best.shape == given["pixels"].shape
        assert (np.take_along_axis(best, given["hidden"], axis=1) == found["map"]).all()
        np.put_along_axis(best, given["hidden"], 0, axis=1)
        observed = given["pixels"].copy()
        np.put_along_axis(observed, given["hidden"], 0, axis=1)
        assert (best == observed).all()
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores) == ["quantity", "split_or_hidden", "value", "n"]
    differences = scores[scores.quantity == "difference_mean"]
    assert differences.split_or_hidden.tolist() == ["1x1", "2x2"]
    assert (differences.value <= 0).all()
