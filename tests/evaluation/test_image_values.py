"""Values by image: their means are the scores that the stages write, on real models."""

import numpy as np
import pandas as pd
import pytest
from tiny_study import DATA

from hide_patches import hide_patches
from hide_pixels import hide_pixels
from infer_patches import infer_patches
from sample_completions import sample_completions
from scanline.evaluation.image_values import Number, values_by_image
from scanline.evaluation.tables import measured
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from scanline.provenance.stage import run
from score_classifier import score_classifier
from score_completions import score_completions
from score_predictor import score_predictor


@pytest.fixture
def stages(tmp_path, pixels_folder, pixel_set) -> dict:
    """Every stage that scores, run on untrained models: scores.csv, and the files by image."""
    test, train = pixels_folder / "test.npz", pixels_folder / "train.npz"
    shape = {"cell": "gru", "units": 4, "layers": 1, "pixels": pixel_set.identity, "seed": 3}
    models = {"classify": Classifier(**shape), "predict": Predictor(**shape)}
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
    without = {  # no means over test images: other images, deviations, means over pixels
        ("predict", "accuracy"),
        *(("inpaint", f"{name}_std") for name in ("ground_truth", "map", "difference")),
        *(("inpaint", f"{name}_accuracy") for name in ("whole", "pixel", "marginal")),
    }
    of_test = scores[scores["split_or_hidden"] != "train"]
    found = set(zip(of_test["task"], of_test["quantity"], strict=True))
    assert {(name.task, name.quantity) for name in values} == found - without


def test_values_are_those_of_every_image(stages, pixel_set):
    values = values_by_image(stages["by_image"])
    sizes = pd.Series({(name.task, name.split_or_hidden): len(v) for name, v in values.items()})
    assert sizes["classify", "test"] == sizes["predict", "test"] == len(pixel_set.labels)
    assert sizes["complete", "6"] == sizes["inpaint", "2x2"] == 20
