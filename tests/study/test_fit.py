"""The plan is judged by the images: all that does not fit is told at once, shares become pixels."""

from pathlib import Path

import pytest
import yaml

from scanline.data.raw import Shape
from scanline.study.fit import fitted
from scanline.study.settings import holes

ROOT = Path(__file__).parents[2]
MNIST = Shape(28, 28, True, 60_000, 10_000)


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def test_the_config_fits_mnist_and_keeps_its_numbers(config):
    made = fitted(config, MNIST)
    for part in ("complete", "inpaint", "posterior", "classify"):
        assert made[part] == config[part]
    data = made["datasets"][made["dataset"]]
    assert (data["rows"], data["columns"]) == (28, 28)
    assert fitted(made, MNIST) == made


def test_shares_become_pixels(config):
    config["complete"] |= {"cut": 0.617, "hidden_runs": [0.001, 0.0126, 0.1, 7]}
    config["inpaint"] |= {"corner_mean": 0.5, "corner_sd": 0.1}
    made = fitted(config, Shape(10, 20, True, 60_000, 10_000)._replace(rows=30, columns=20))
    assert made["complete"]["cut"] == round(0.617 * 600)
    assert made["complete"]["hidden_runs"] == [1, 8, 60, 7]
    assert made["inpaint"]["corner_mean"] == 10
    assert made["inpaint"]["corner_sd"] == 2


def test_holes_are_sorted_by_their_pixels_in_these_images(config):
    config["posterior"]["holes"] = {"run-30": 1, "0.3x0.3": 1, "5x6": 1, "2x3": 1}
    config["complete"]["cut"] = 20
    config["inpaint"]["variants"] = []
    config["posterior"]["calibration"] |= {"holes": ["2x2"], "simulated": ["2x2"]}
    config["complete"]["hidden_runs"] = [1]
    assert holes(fitted(config, Shape(10, 10, True))) == ["2x3", "0.3x0.3", "5x6", "run-30"]


def test_all_that_does_not_fit_is_told_at_once(config):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        fitted(config, Shape(7, 6, False, 100, 50))
    told = str(refused.value)
    assert "\n" not in told
    assert told.startswith("the images are 7 x 6, and this does not fit: ")
    for key in (
        "complete.hidden_runs: cut is 484, outside the image; allowed: 0 to 41",
        "complete.images is 100 and 50 images are there",
        "inpaint.images is 1000 and 50 images are there",
        "posterior.holes: a hole of 8 x 8 does not lie inside the image of 7 x 6",
        "posterior.calibration.simulated: a hole of 8 x 8",
        "posterior.calibration.holes: a hole of 8 x 8",
        "posterior.holes is 1000 and 50 images are there",
        "classify.variants: the images have no labels; set it to []",
        "posterior.classifier: the images have no labels; set it to null",
        "validation_images is 5000 and 99 images are there",
    ):
        assert key in told, key


def test_tasks_that_are_left_out_are_not_judged(config):
    for task in ("classify", "complete", "inpaint", "posterior"):
        config[task]["variants"] = []
    config["datasets"][config["dataset"]]["validation_images"] = 5
    fitted(config, Shape(7, 6, False, 100, 50))
