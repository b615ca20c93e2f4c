"""A model on images of another source: refused, or asked for and marked in every result."""

import json

import numpy as np
import pandas as pd
import pytest

from fill_holes import fill_holes
from infer_patches import infer_patches
from sample_completions import sample_completions
from scanline.data.pixels import KINSHIP, MAKING, same_pixels
from scanline.files import load_arrays
from scanline.holes.hiding import draw_patches, hide, save_hidden, save_hidden_runs
from scanline.inference.methods import SamplerSettings
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from score_classifier import score_classifier
from score_predictor import score_predictor

QUICK = dict(exact_pixels=4, particles=4, chains=1, moves=1, block=2, move_particles=2)
SETTINGS = SamplerSettings(**QUICK, sweeps=1, samples=2, seed=0)


@pytest.fixture
def elsewhere(pixel_sets):
    """The identity of images that were made alike, of another source."""
    identity = pixel_sets["test"].identity
    return identity | {"source": "elsewhere", "sha256": {"other": "0" * 64}}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def scored(script, kind, identity, pixels_folder, out, **asked) -> pd.DataFrame:
    model = out / "model.keras"
    kind("gru", 4, 1, identity).save(model)
    splits = {name: pixels_folder / f"{name}.npz" for name in ("train", "test")}
    script(model=model, images=0, out=out, **splits, **asked)
    return pd.read_csv(out / "scores.csv")


@pytest.mark.parametrize(
    ("script", "kind"), [(score_predictor, Predictor), (score_classifier, Classifier)]
)
def test_scores_say_on_which_data_a_model_was_trained(
    script, kind, elsewhere, pixel_sets, pixels_folder, out
):
    with pytest.raises(ValueError, match=r"made alike: other_data \(--other-data\) takes them"):
        scored(script, kind, elsewhere, pixels_folder, out)
    table = scored(script, kind, elsewhere, pixels_folder, out, other_data=True)
    assert set(table["trained_on"]) == {"elsewhere"}
    # The numbers are those of the same weights on the images of their own.
    own = scored(script, kind, pixel_sets["test"].identity, pixels_folder, out)
    assert "trained_on" not in own
    pd.testing.assert_frame_equal(table.drop(columns="trained_on"), own)


def test_completions_and_fillings_say_so_too(elsewhere, pixel_sets, pixels_folder, tmp_path, out):
    model, test = tmp_path / "model.keras", pixel_sets["test"]
    Predictor("gru", 4, 1, elsewhere).save(model)
    save_hidden_runs(tmp_path / "hidden.npz", test, images=3, seed=0, cut=8, runs=[2])
    save_hidden(tmp_path / "2x2.npz", test, hide(test, "2x2", images=3, cut=8, seed=0))
    patches = draw_patches(test, 1, images=3, mean=1, sd=1, seed=0)
    save_hidden(tmp_path / "1x1.npz", test, patches)
    calls = {
        "samples.npz": lambda **asked: sample_completions(
            model=model, hidden=tmp_path / "hidden.npz", samples=2, seed=0, out=out, **asked
        ),
        "1x1.npz": lambda **asked: infer_patches(
            model=model, hidden=(tmp_path / "1x1.npz",), out=out, **asked
        ),
        "2x2.npz": lambda **asked: fill_holes(
            model=model,
            train=pixels_folder / "train.npz",
            hidden=(tmp_path / "2x2.npz",),
            settings=SETTINGS,
            out=out,
            **asked,
        ),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match="other_data"):
            call()
        call(other_data=True)
        with np.load(out / name) as file:
            assert json.loads(str(file["description"]))["trained_on"] == "elsewhere"
    assert set(pd.read_csv(out / "scores.csv")["trained_on"]) == {"elsewhere"}
    assert load_arrays(out / "samples.npz", "samples")[0]["samples"].shape == (3, 2, 2)


@pytest.mark.parametrize("key", KINSHIP)
def test_only_what_the_images_are_may_differ(key, pixel_sets):
    expected = pixel_sets["test"].identity
    given = expected | {key: {"other": "0"} if key == "sha256" else "another"}
    with pytest.raises(ValueError, match=r"made alike|the content of"):
        same_pixels(expected, given, "the model")
    if key in MAKING:
        with pytest.raises(ValueError, match="Use pixels made alike, or train on these"):
            same_pixels(expected, given, "the model", other_data=True)
    else:
        same_pixels(expected, given, "the model", other_data=True)
