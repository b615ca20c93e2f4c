"""A training as a stage: the files that it writes, and what it tells of what computed them."""

from dataclasses import replace

import pandas as pd
import pytest
from recipes import recipe

from scanline.data.pixels import PixelSet, save_pixels
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor, load_predictor
from scanline.models.prior import prior_of
from scanline.training.objectives import CLASSIFY, PREDICT
from scanline.training.stage import train_model

RECIPE = recipe(2, batch_size=8, seed=3, train_images=16)


@pytest.fixture
def given(pixel_sets, tmp_path) -> dict:
    """Arguments of a small training."""
    paths = {}
    for name in ("train", "validation"):
        paths[name] = tmp_path / f"{name}.npz"
        save_pixels(paths[name], pixel_sets[name])
    folders = {"out": tmp_path / "out", "checkpoints": tmp_path / "checkpoints"}
    folders["out"].mkdir()
    rest = {"test": None, "label": "tiny", "log_epoch": None}
    return {**paths, **folders, **rest}


def model_for(images: PixelSet) -> Predictor:
    return Predictor("gru", 4, 1, images.identity, seed=3)


def test_it_writes_model_and_curves_and_tells_what_computed_them(given, pixel_sets):
    told = train_model(model_for, PREDICT, RECIPE, **given)
    assert told["recurrent_layers"].startswith(("core, ", "Keras"))
    model = load_predictor(given["out"] / "model.keras", pixel_sets["train"].identity)
    assert model.count_params() == model_for(pixel_sets["train"]).count_params()
    by_epoch = pd.read_csv(given["out"] / "curve_by_epoch.csv")
    assert by_epoch.columns.tolist() == ["epoch", "step", "split", "quantity", "value"]
    assert by_epoch["epoch"].max() == 2
    by_step = pd.read_csv(given["out"] / "curve_by_step.csv")
    columns = ["step", "epoch", "quantity", "value", "learning_rate"]
    assert by_step.columns.tolist() == columns
    assert by_step["step"].max() == 2 * 16 / 8  # of the first 16 images


def test_its_checkpoints_lie_in_their_folder_and_each_epoch_is_told(given):
    told = []
    train_model(
        model_for, PREDICT, RECIPE, **given | {"log_epoch": lambda epoch, _: told.append(epoch)}
    )
    assert told == [1, 2]
    names = [path.name for path in sorted(given["checkpoints"].iterdir())]
    assert names == ["step-000000002.npz", "step-000000004.npz"]


@pytest.mark.parametrize("kind", ["classifier", "predictor that reads labels"])
def test_images_held_out_need_labels_where_the_model_knows_classes(given, pixel_sets, kind):
    def made(images: PixelSet) -> Classifier | Predictor:
        if kind == "classifier":
            return Classifier("gru", 4, 1, images.identity)
        return Predictor("gru", 4, 1, images.identity, prior=prior_of(images))

    save_pixels(given["validation"], replace(pixel_sets["validation"], labels=None))
    with pytest.raises(ValueError, match=r"validation\.npz has no labels, and the checkpoint is"):
        train_model(made, PREDICT if kind[0] == "p" else CLASSIFY, RECIPE, **given)
    assert not list(given["out"].iterdir())


def test_what_is_drawn_of_the_pixels_is_trained_on(given):
    asked = []

    def drawn(pixels):
        asked.append(len(pixels))
        return pixels.first(8)

    train_model(model_for, PREDICT, RECIPE, **given, drawn=drawn)
    assert asked[0] == 16
    assert len(asked) == 2
    assert pd.read_csv(given["out"] / "curve_by_step.csv")["step"].max() == 2


def test_choosing_on_test_batches_needs_test_pixels(given):
    with pytest.raises(ValueError, match="needs --test, the test pixels to draw from"):
        train_model(model_for, PREDICT, replace(RECIPE, selection="test_batches"), **given)
    assert not list(given["out"].iterdir())
