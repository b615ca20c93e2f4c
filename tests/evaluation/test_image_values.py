"""Values by image: their means are the scores that the stages write, on real models."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tiny_study import DATA

from hide_patches import hide_patches
from hide_pixels import hide_pixels
from infer_patches import infer_patches
from sample_completions import sample_completions
from scanline.evaluation.image_values import Number, values_by_image
from scanline.evaluation.intervals import interval_of_mean
from scanline.evaluation.tables import measured
from scanline.files import load_arrays, save_arrays
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from scanline.provenance.stage import run
from score_classifier import score_classifier
from score_completions import score_completions
from score_predictor import score_predictor


@pytest.fixture(params=[(), (0.1,) * 10], ids=["plain", "labels"])
def stages(tmp_path, pixels_folder, pixel_set, request) -> dict:
    """Every stage that scores, run on untrained models: scores.csv, and the files by image."""
    test, train = pixels_folder / "test.npz", pixels_folder / "train.npz"
    shape = {"cell": "gru", "units": 4, "layers": 1, "pixels": pixel_set.identity, "seed": 3}
    models = {"classify": Classifier(**shape), "predict": Predictor(**shape, prior=request.param)}
    for task, model in models.items():
        model.save(tmp_path / f"{task}.keras")
    predictor = tmp_path / "predict.keras"

    def place(task: str, stage: str = "score"):
        return tmp_path / DATA / task / "gru-4/seed-7" / stage

    for function, task in ((score_classifier, "classify"), (score_predictor, "predict")):
        model = tmp_path / f"{task}.keras"
        run(function, model=model, train=train, test=test, images=0, out=place(task))
    hidden = tmp_path / "hidden"
    run(hide_pixels, test=test, images=20, seed=0, cut=5, runs=(1, 6), out=hidden)
    samples = tmp_path / "samples"
    pixels = hidden / "hidden.npz"
    run(sample_completions, model=predictor, hidden=pixels, samples=3, seed=0, out=samples)
    run(score_completions, samples=samples / "samples.npz", out=place("complete"))
    holes, spread = ("1x1", "2x2"), {"mean": 1.5, "sd": 1.0, "seed": 0}
    run(hide_patches, test=test, holes=holes, images=20, out=hidden, **spread)
    patches = tuple(hidden / f"{hole}.npz" for hole in holes)
    run(infer_patches, model=predictor, hidden=patches, out=place("inpaint", "posterior"))
    by_image = [
        place("classify") / "predictions.npz",
        place("predict") / "log_likelihoods.npz",
        place("complete") / "by_image.csv",
        *(place("inpaint", "posterior") / f"{hole}.npz" for hole in holes),
    ]
    return {"scores": sorted((tmp_path / DATA).rglob("scores.csv")), "by_image": by_image}


def test_the_mean_over_images_is_the_number_in_the_table(stages):
    values = values_by_image(stages["by_image"])
    scores = measured(stages["scores"])
    for line in scores.itertuples():
        name = Number(line.task, line.model, line.seed, line.quantity, line.split_or_hidden)
        if name in values:
            # Class log-probabilities are kept in 32 bits.
            assert np.mean(values[name]) == pytest.approx(line.measured, rel=1e-5, abs=1e-7)
    without = {  # no means over test images: other images, deviations
        ("predict", "accuracy"),
        *(("inpaint", f"{name}_std") for name in ("ground_truth", "map", "difference")),
    }
    of_test = scores[scores["split_or_hidden"] != "train"]
    found = set(zip(of_test["task"], of_test["quantity"], strict=True))
    assert {(name.task, name.quantity) for name in values} == found - without


def test_values_are_those_of_every_image(stages, pixel_set):
    values = values_by_image(stages["by_image"])
    sizes = pd.Series({(name.task, name.split_or_hidden): len(v) for name, v in values.items()})
    assert sizes["classify", "test"] == sizes["predict", "test"] == len(pixel_set.labels)
    assert sizes["complete", "6"] == sizes["inpaint", "2x2"] == 20


def test_patches_are_right_where_the_image_is_filled_as_it_was(stages, pixel_set):
    values = values_by_image(stages["by_image"])
    path = stages["by_image"][-1]
    arrays, _ = load_arrays(path, "hidden", "indices", "marginals")
    best = np.load(path.with_name("optimal_inpaintings_2x2pixel_patch.npy"))
    for n, image in enumerate(pixel_set.pixels[arrays["indices"]]):
        right = [best[n, place] == image[place] for place in arrays["hidden"][n]]
        likely = [
            (p > 0.5) == bool(image[place])
            for p, place in zip(arrays["marginals"][n], arrays["hidden"][n], strict=True)
        ]
        for name, wanted in (
            ("whole", (best[n] == image).all()),
            ("pixel", sum(right) / 4),
            ("marginal", sum(likely) / 4),
        ):
            found = values["inpaint", "gru-4", 7, f"{name}_accuracy", "2x2", ""]
            assert found[n] == wanted, (name, n)


def test_the_share_of_patches_filled_whole_has_the_binomial_s_interval(tmp_path):
    """Redrawn images are filled whole independently, with the share as their probability."""
    images, whole = 400, 320
    folder = tmp_path / DATA / "inpaint/gru-4/seed-7/posterior"
    folder.mkdir(parents=True)
    truth = np.zeros((images, 4), np.uint8)
    best = truth.copy()
    best[whole:, 2] = 1
    nothing = np.zeros(images)
    names = ("log_likelihood_truth", "log_likelihood_map", "truth_log_posterior", "entropy_nats")
    save_arrays(
        folder / "2x2.npz",
        {"rows": 4, "columns": 4},
        truth=truth,
        map=best,
        marginals=best.astype(float),
        **dict.fromkeys(names, nothing),
    )
    values = values_by_image([folder / "2x2.npz"])
    share = values[Number("inpaint", "gru-4", 7, "whole_accuracy", "2x2")]
    assert share.mean() == whole / images
    low, high = interval_of_mean(share)
    # A quantile at 0.025 of 2,000 means has a standard error of about 0.06 of their deviation, and
    # the binomial's are whole images.
    tolerance = 4 * 0.06 * np.sqrt(0.8 * 0.2 / images) + 1 / images
    assert low == pytest.approx(stats.binom.ppf(0.025, images, 0.8) / images, abs=tolerance)
    assert high == pytest.approx(stats.binom.ppf(0.975, images, 0.8) / images, abs=tolerance)
