"""The plan is judged by the images: all that does not fit is told at once, shares become pixels."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from scanline.data.raw import Shape
from scanline.study.fit import fitted, left_out
from scanline.study.settings import holes

ROOT = Path(__file__).parents[2]
MNIST = Shape(28, 28, True, 60_000, 10_000)


def whole_config() -> dict:
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture
def config() -> dict:
    return whole_config()


def test_the_config_fits_mnist_and_keeps_its_numbers(config):
    made = fitted(config, MNIST)
    for part in ("complete", "inpaint", "posterior", "classify"):
        assert made[part] == config[part]
    data = made["datasets"][made["dataset"]]
    assert (data["rows"], data["columns"]) == (28, 28)
    assert fitted(made, MNIST) == made


def test_look_aheads_of_models_that_are_not_trained_are_passed_over(config):
    config["predict"]["variants"] = ["gru-32", "gru-64"]
    config["look_ahead"]["variants"] = ["gru-64-context", "gru-64"]
    assert fitted(config, MNIST)["look_ahead"]["variants"] == ["gru-64"]


def test_shares_become_pixels(config):
    config["complete"] |= {"cut": 0.617, "hidden_runs": [0.001, 0.0126, 0.1, 7]}
    made = fitted(config, Shape(30, 20, True, 60_000, 10_000))
    assert made["complete"]["cut"] == round(0.617 * 600)
    assert made["complete"]["hidden_runs"] == [1, 8, 60, 7]


def test_shares_of_patches_become_pixels(config):
    config["inpaint"]["holes"] = ["0.05x0.1", "2x2", "0.1x0.14", "1x3"]
    made = fitted(config, MNIST)
    assert made["inpaint"]["holes"] == ["1x3", "2x2", "3x4"]
    assert fitted(made, MNIST) == made


def test_a_patch_that_cannot_be_enumerated_is_told(config):
    config["inpaint"]["holes"] = ["0.2x0.2", "29x1", "4x4"]
    told = refusal(config, MNIST)
    assert "inpaint.holes: a patch of 6 x 6 has 36 pixels; 16 at most are enumerated" in told
    assert "inpaint.holes: a hole of 29 x 1 does not lie inside the image of 28 x 28" in told
    assert told.count("inpaint.holes") == 2
    config["inpaint"]["variants"] = []
    fitted(config, MNIST)


def test_cells_are_shown_over_as_many_steps_as_an_image_has_pixels(config):
    assert fitted(config, MNIST)["cells"]["steps"] == 784
    assert fitted(config, MNIST._replace(rows=30, columns=40))["cells"]["steps"] == 1200
    config["cells"]["steps"] = 30
    assert fitted(config, MNIST)["cells"]["steps"] == 30


@pytest.mark.parametrize(
    ("key", "value"), [("cut", 484.7), ("cut", 1.5), ("hidden_runs", [1, 10.2])]
)
def test_a_part_of_a_pixel_is_refused(config, key, value):
    config["complete"][key] = value
    with pytest.raises(ValueError, match=f"complete.{key} is .*; allowed: a whole number"):
        fitted(config, MNIST)


@given(st.floats(0.05, 0.95), st.integers(2, 64), st.integers(2, 64))
def test_a_cut_and_the_rest_make_an_image(cut, rows, columns):
    """Also where both shares are rounded up, as two halves of 27 pixels."""
    config = whole_config()
    for task in ("classify", "inpaint", "posterior"):
        config[task]["variants"] = []
    pixels = rows * columns
    config["complete"] |= {"cut": cut, "hidden_runs": [1 - cut]}
    if round(cut * pixels) in (0, pixels):
        return  # nothing is observed, or nothing is left
    made = fitted(config, Shape(rows, columns, True, 60_000, 10_000))["complete"]
    (run,) = made["hidden_runs"]
    assert pixels - 1 <= made["cut"] + run <= pixels
    assert abs(run - (1 - cut) * pixels) <= 1


@given(st.integers(5, 80), st.integers(5, 80))
def test_the_preset_of_shares_fits_images_of_any_size(rows, columns):
    config = whole_config()
    update_config(config, yaml.safe_load((ROOT / "workflow/presets/digits-8x8.yaml").read_text()))
    made = fitted(config, Shape(rows, columns, True, 5_000, 1_000))
    pixels = rows * columns
    assert max(made["complete"]["hidden_runs"]) + made["complete"]["cut"] in (pixels - 1, pixels)


def test_holes_are_sorted_by_their_pixels_in_these_images(config):
    config["posterior"]["holes"] = {"run-30": 1, "0.3x0.3": 1, "5x6": 1, "2x3": 1}
    config["complete"]["cut"] = 20
    config["inpaint"]["variants"] = []
    config["posterior"]["calibration"] |= {"holes": ["2x2"], "simulated": ["2x2"]}
    config["complete"]["hidden_runs"] = [1]
    assert holes(fitted(config, Shape(10, 10, True))) == ["2x3", "0.3x0.3", "5x6", "run-30"]


def test_all_that_does_not_fit_is_told_at_once(config):
    config["datasets"][config["dataset"]]["validation_images"] = 60
    config["score"]["images"] = 51
    config["look_ahead"]["training"]["train_images"] = 41
    config["predict"]["exceptions"] = [
        {"variants": ["gru-32"], "training": {"train_images": 42}},
        {"variants": ["lstm-32"], "training": {"train_images": 43}},  # predict trains none
    ]
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        fitted(config, Shape(7, 6, False, 100, 50))
    told = str(refused.value)
    assert "\n" not in told
    assert told.startswith("the images are 7 x 6, and this does not fit: ")
    for key in (
        "complete.cut is 484, outside the image; allowed: 0 to 41",
        "complete.images is 100 and 50 images are there",
        "inpaint.images is 1000 and 50 images are there",
        "posterior.holes: a hole of 8 x 8 does not lie inside the image of 7 x 6",
        "posterior.calibration.simulated: a hole of 8 x 8",
        "posterior.calibration.holes: a hole of 8 x 8",
        "posterior.holes.2x2 is 1000 and 50 images are there; allowed: 1 to 50 (0 leaves the hole",
        "score.images is 51 and 40 images are there",
        "look_ahead.training.train_images is 41 and 40 images are there",
        "predict.exceptions.training.train_images is 42 and 40 images are there",
    ):
        assert key in told, key
    assert "43" not in told
    assert told.count("cut") == 1  # once for all runs that begin there


def test_without_labels_classifiers_are_left_out(config):
    unlabelled = MNIST._replace(labelled=False)
    made = fitted(config, unlabelled)
    assert made["classify"]["variants"] == []
    assert made["posterior"] == config["posterior"] | {"classifier": None}
    why = f"the images of {config['dataset']} have no labels"
    told = {"classify.variants": why, "posterior.classifier": why}
    assert left_out(config, unlabelled) == told
    assert left_out(made, unlabelled) == left_out(config, MNIST) == {}
    config["posterior"]["variants"] = []
    assert left_out(config, unlabelled) == {"classify.variants": why}


def test_without_labels_variants_that_read_them_are_left_out(config):
    for task in ("predict", "complete", "sample", "inpaint"):
        config[task]["variants"] = ["gru-64-context-labels", "gru-64"]
    config["classify"]["variants"] = config["posterior"]["variants"] = []
    assert left_out(config, MNIST) == {}
    unlabelled = MNIST._replace(labelled=False)
    made = fitted(config, unlabelled)
    for task in ("predict", "complete", "sample", "inpaint"):
        assert made[task]["variants"] == ["gru-64"]
    why = f"it reads labels, and the images of {config['dataset']} have none"
    assert left_out(config, unlabelled) == {"variants.gru-64-context-labels": why}
    assert left_out(made, unlabelled) == {}


def test_without_labels_a_mixture_with_a_variant_that_reads_them_is_left_out(config):
    config["variants"] |= {
        "both": {"mixture": ["gru-64-context-labels", "gru-64"]},
        "more": {"mixture": ["gru-32", "gru-64"]},
    }
    config["predict"]["variants"] = ["gru-64-context-labels", "gru-64", "gru-32", "both", "more"]
    unlabelled = MNIST._replace(labelled=False)
    assert fitted(config, unlabelled)["predict"]["variants"] == ["gru-64", "gru-32", "more"]
    assert {*left_out(config, unlabelled)} >= {"variants.both", "variants.gru-64-context-labels"}
    assert "variants.more" not in left_out(config, unlabelled)


PREDICTED = ("predict", "look_ahead", "complete", "sample", "inpaint", "posterior")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"binarise": "none"}, "the pixels are grey (binarise: none), and only classifiers read"),
        ({"order": "permuted"}, "only classifiers read pixels in another order (order: permuted)"),
    ],
)
def test_what_needs_next_pixel_models_is_left_out_where_only_classifiers_read(config, data, why):
    config["datasets"][config["dataset"]] |= data
    told = left_out(config, MNIST)
    assert list(told) == [f"{task}.variants" for task in PREDICTED]
    assert all(each.startswith(why) for each in told.values())
    made = fitted(config, MNIST)
    assert all(made[task] == config[task] | {"variants": []} for task in PREDICTED)
    assert made["classify"] == config["classify"]
    assert left_out(made, MNIST) == {}
    assert fitted(made, MNIST) == made
    unlabelled = MNIST._replace(labelled=False)
    assert f"{why}" in refusal(config, unlabelled)
    assert "which need labels; choose another binarise or order" in refusal(config, unlabelled)


def test_images_of_a_single_class_are_not_classified(config):
    one = MNIST._replace(classes=1)
    assert "classify.variants: the images have 1 class, and 2 are told apart" in refusal(
        config, one
    )
    config["datasets"][config["dataset"]]["classes"] = 2  # of which one occurs
    fitted(config, one)
    config["datasets"][config["dataset"]]["classes"] = 1
    assert "the images have 1 class" in refusal(config, MNIST)
    config["classify"]["variants"], config["posterior"]["classifier"] = [], None
    fitted(config, one)


def test_more_validation_images_than_there_are_are_told(config):
    told = refusal(config, MNIST._replace(training=5000))
    assert "validation_images is 5000 and 4999 images are there" in told
    assert "train_images" not in told
    assert "score" not in told


def test_images_that_the_plan_splits_are_counted_by_split(config):
    """A source of 1,000 images without a test split; a fifth of them is for testing."""
    shape = MNIST._replace(training=1000, test=None)
    data = config["datasets"][config["dataset"]]
    data |= {"validation_images": 799, "test_fraction": 0.2}
    config["inpaint"]["images"] = 201
    config["posterior"]["holes"] = {"2x2": 200}
    told = refusal(config, shape)
    assert "inpaint.images is 201 and 200 images are there" in told
    assert told.count(" are there") == 1
    data["validation_images"] = 800
    assert "validation_images is 800 and 799 images are there" in refusal(config, shape)
    del data["test_fraction"]
    told = refusal(config, shape)
    assert ".test_fraction: the source has no test split; state its share" in told
    assert " are there" not in told


def refusal(config: dict, shape: Shape) -> str:
    with pytest.raises(ValueError, match="this does not fit") as refused:
        fitted(config, shape)
    return str(refused.value)


def test_tasks_that_are_left_out_are_not_judged(config):
    for task in ("classify", "complete", "inpaint", "posterior"):
        config[task]["variants"] = []
    config["datasets"][config["dataset"]]["validation_images"] = 5
    fitted(config, Shape(7, 6, False, 100, 50))
