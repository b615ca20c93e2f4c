"""The scripts that sample, score and infer, run as functions on generated 4 x 4 images."""

import numpy as np
import pandas as pd
import pytest

from draw_posterior import draw_posterior
from fill_holes import fill_holes
from hide_holes import hide_holes
from hide_patches import hide_patches
from hide_pixels import hide_pixels
from infer_patches import infer_patches
from sample_completions import sample_completions
from scanline.figures import names as figure_names
from scanline.files import load_arrays
from scanline.inference.forecast import load_forecasts
from scanline.inference.methods import SamplerSettings
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from scanline.provenance.stage import run
from scanline.provenance.summary import metrics_of
from score_completions import score_completions
from score_forecasts import score_forecasts
from tabulate_posterior import tabulate_posterior

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
    run(hide_pixels, test=test, images=5, seed=0, cut=6, runs=(1, 4, 10), out=tmp_path)
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
    test = pixels_folder / "test.npz"
    run(hide_patches, test=test, holes=("1x1", "2x2"), images=6, mean=1, sd=1, seed=0, out=tmp_path)
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


def test_holes_are_filled_scored_and_drawn(tmp_path, pixels_folder, model_file, pixel_set):
    holes = ("run-3", "2x2", "random-half")
    hidden = tmp_path / "hidden"
    run(hide_holes, test=pixels_folder / "test.npz", holes=holes, images=(9, 6, 4), cut=6,
        seed=0, out=hidden)  # fmt: skip
    classifier = tmp_path / "classifier.keras"
    Classifier(cell="gru", units=4, layers=1, pixels=pixel_set.identity).save(classifier)
    forecasts = tmp_path / "posterior/gru-4/seed-1/forecasts"
    files = tuple(hidden / f"{hole}.npz" for hole in holes)
    run(
        fill_holes,
        model=model_file,
        train=pixels_folder / "train.npz",
        hidden=files,
        settings=SamplerSettings(
            exact_pixels=4,
            particles=8,
            chain_images=3,
            chains=2,
            moves=2,
            block=16,
            move_particles=16,
            sweeps=1,
            samples=5,
            seed=0,
        ),
        out=forecasts,
    )
    filled = tuple(forecasts / path.name for path in files)
    out = tmp_path / "posterior/gru-4/seed-1/score"
    run(score_forecasts, classifier=classifier, hidden=files, forecasts=filled,
        seconds=forecasts / "seconds.csv", out=out)  # fmt: skip
    table = pd.read_csv(out / "methods.csv")
    assert list(table) == [
        *("hole", "method", "n_images", "nats_per_hidden_pixel", "map_pixel_accuracy"),
        *("map_whole_accuracy", "brier", "digit_accuracy", "seconds_per_image"),
        *("marginal_pixel_accuracy", "sample_digit_accuracy", "mean_digit_accuracy"),
    ]
    ways = {hole: list(lines["method"]) for hole, lines in table.groupby("hole", sort=False)}
    simple = ["gibbs", "nearest_image", "pixel_frequencies"]
    assert ways == {
        "run-3": ["truth", "prefix", "exact", *simple],
        "2x2": ["truth", "prefix", "exact", *simple],
        "random-half": ["truth", "prefix", "smc", "particle_gibbs", *simple],
    }
    bins = pd.read_csv(out / "reliability.csv")
    sizes = {"run-3": (9, 3), "2x2": (6, 4), "random-half": (4, 8)}  # images, hidden pixels
    for (hole, method), lines in bins.groupby(["hole", "method"]):
        images, pixels = sizes[hole]
        images = 3 if method in ("gibbs", "particle_gibbs") else images
        assert lines["n_pixels"].sum() == images * pixels
    for hole in holes:
        found, _ = load_forecasts(forecasts / f"{hole}.npz")
        assert list(found) == ways[hole][1:]
        places, _ = load_arrays(hidden / f"{hole}.npz", "hidden")
        assert found["prefix"].marginals.shape == places["hidden"].shape
        truth = np.take_along_axis(load_arrays(hidden / f"{hole}.npz", "pixels")[0]["pixels"],
                                   places["hidden"], axis=1)  # fmt: skip
        line = table[(table["hole"] == hole) & (table["method"] == "prefix")].iloc[0]
        assert line["map_pixel_accuracy"] == pytest.approx((found["prefix"].best == truth).mean())
    metrics = metrics_of(out)
    wanted = table.set_index(["hole", "method"])["brier"]["2x2", "exact"]
    assert metrics["2x2/exact/brier", 0] == pytest.approx(wanted)
    assert ("2x2/nearest_image/nats_per_hidden_pixel", 0) not in metrics

    run(
        tabulate_posterior,
        methods=(out / "methods.csv",),
        forecasts=filled,
        out=tmp_path / "table",
    )
    lines = pd.read_csv(tmp_path / "table/posterior.csv")
    for hole, k in (("run-3", 3), ("2x2", 4), ("random-half", 8)):
        of_hole = lines[lines["hole"] == hole]
        np.testing.assert_allclose(
            of_hole["nats_per_image"], k * of_hole["nats_per_hidden_pixel"], rtol=1e-12
        )
        known = of_hole.dropna(subset=["nats_per_image"])
        assert len(known) == 3  # prefix, a posterior, pixel frequencies
        assert (known["nats_low"] < known["nats_per_image"]).all()
        assert (known["nats_per_image"] < known["nats_high"]).all()
    run(
        draw_posterior,
        table=tmp_path / "table/posterior.csv",
        hidden=files,
        reliability=(out / "reliability.csv",),
        forecasts=filled,
        out=tmp_path / "figures",
    )
    names = {figure_names.POSTERIOR, *figure_names.posterior("gru-4").values()}
    for kind in ("png", "pdf"):
        assert {path.stem for path in (tmp_path / "figures").glob(f"*.{kind}")} == names
