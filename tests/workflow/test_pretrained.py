"""The trained models that come with the project give the figures that their cards state."""

import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from study_copy import ROOT

from fetch import fetch
from scanline.data.binarise import PixelSettings, binarise_files
from scanline.data.pixels import PixelSet
from scanline.data.published import SOURCES
from scanline.data.sources import DebianPackage, NpmPackage
from scanline.evaluation.likelihoods import score_images
from scanline.files import sha256_of
from scanline.models.classifier import load_classifier
from scanline.models.look_ahead import load_look_ahead
from scanline.models.predictor import Predictor, load_predictor
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from scanline.study import settings as study_settings
from scanline.training.look_ahead import objective_of
from scanline.training.objectives import CLASSIFY, PREDICT, Score
from take_model import take_model

PACKAGES = NpmPackage | DebianPackage
FOLDERS = sorted(path.parent for path in (ROOT / "pretrained").glob("*/*/*/*/model.keras"))
NAMES = [folder.relative_to(ROOT / "pretrained").as_posix() for folder in FOLDERS]
# Keras 3.15 saves weights by a call that NumPy 2 deprecates; no concern of this project.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@pytest.fixture(scope="module")
def pixels_of() -> Callable[[str], PixelSet]:
    """The test images of a data set of config.yaml; its files are fetched once, as by a study."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())

    @cache
    def made(data: str) -> PixelSet:
        settings = study_settings.settings(config, "binarise", data=data)
        source = settings["source"]
        folder = ROOT / "data" / source
        files = [folder / name for name in SOURCES[source].sha256]
        if not all(file.is_file() for file in files):
            if not any(isinstance(place, PACKAGES) for place in SOURCES[source].places):
                pytest.skip(f"{source} is in no package archive, and does not lie in {folder}")
            run(fetch, source=source, out=folder)
        return binarise_files(files, PixelSettings(**settings))["test"]

    return made


def stated(folder: Path) -> dict[str, list[float]]:
    """The test figures of a model's card, each with the ends of its 95 % interval where told."""
    card = (folder / "README.md").read_text()
    found = re.findall(r"^\| (\w+) +\| test +\| ([^|]+) \|([^|]*)\|", card, re.MULTILINE)
    return {
        name: [float(n) for n in f"{value} {ends}".replace("to", "").split()]
        for name, value, ends in found
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_a_model_is_the_one_whose_training_is_recorded(folder):
    training = Record.load(folder / "training.json")
    assert training.outputs["model.keras"] == sha256_of(folder / "model.keras")


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_a_model_gives_the_figures_of_its_card(folder, pixels_of):
    """Of a large model, which reads all images in half a minute, every tenth of them.

    One that reads labels reads each image once for each class. Some test splits are in the order of
    the classes, so the first tenth would be no sample.
    """
    data, task, variant = folder.parts[-4:-1]
    share = 0.1 if re.search("128|256|3x32|labels", variant) else 1
    pixels = pixels_of(data)
    pixels = pixels.chosen(np.arange(0, len(pixels), round(1 / share)))
    if task == "classify":
        model, objective = load_classifier(folder / "model.keras", pixels.identity), CLASSIFY
        found = objective.scorer(model)(pixels)
    else:
        beside = Path(str(folder).replace("/look_ahead/", "/predict/"))
        model, objective = load_predictor(beside / "model.keras", pixels.identity), PREDICT
        found = score_images(model, pixels)[:2]
        if task == "look_ahead":
            objective = objective_of(model)
            found = objective.scorer(load_look_ahead(folder / "model.keras", model))(pixels)
    score = Score.of(*found)
    figures = stated(folder)
    nats, *ends = figures[objective.quantity]
    if share == 1:
        assert score.nats == pytest.approx(nats, abs=2e-5)
        assert score.accuracy == pytest.approx(figures["accuracy"][0], abs=1e-4)
    else:  # four standard errors
        assert score.nats == pytest.approx(nats, abs=(ends[1] - ends[0]) / share**0.5)


@pytest.fixture
def shipped(tmp_path, pixels_folder, pixel_set) -> dict[str, Path]:
    """A trained model, its curve and its record, as arguments of take_model."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    Predictor(cell="gru", units=4, layers=1, pixels=pixel_set.identity).save(folder / "model.keras")
    (folder / "curve_by_epoch.csv").write_text("epoch,step,split,quantity,value\n")
    record = Record.begin("train_predictor", folder, {}, {})
    record.end(folder)
    return {
        "model": folder / "model.keras",
        "curves": (folder / "curve_by_epoch.csv",),
        "training": folder / "run.json",
        "pixels": pixels_folder / "train.npz",
        "out": tmp_path / "taken",
    }


def test_a_model_is_taken_with_its_curves(shipped):
    run(take_model, **shipped)
    for path in (shipped["model"], *shipped["curves"]):
        assert (shipped["out"] / path.name).read_bytes() == path.read_bytes()


def test_a_changed_model_is_not_taken(shipped):
    with shipped["model"].open("ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match=r"model\.keras has SHA-256 [0-9a-f]{64}; .*says"):
        run(take_model, **shipped)
    assert not list(shipped["out"].rglob("*.*"))


def test_a_model_of_another_kind_is_not_taken(shipped):
    folder = shipped["model"].parent
    Record.begin("train_classifier", folder, {}, {}).end(folder)
    with pytest.raises(
        ValueError, match=r"holds a Predictor; train_classifier trains a Classifier"
    ):
        run(take_model, **shipped)
    assert not list(shipped["out"].rglob("*.*"))


def test_a_file_that_holds_no_model_is_not_taken(shipped):
    folder = shipped["model"].parent
    shipped["model"].write_bytes(b"no archive")
    Record.begin("train_predictor", folder, {}, {}).end(folder)
    with pytest.raises(ValueError, match=r"model\.keras is not a readable model"):
        run(take_model, **shipped)
    assert not list(shipped["out"].rglob("*.*"))


def test_taking_a_model_loads_no_tensorflow():
    told = "import sys, take_model; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", told], check=True, cwd=ROOT / "src")


def test_a_model_of_other_pixels_is_not_taken(shipped, tmp_path, pixel_set):
    Predictor(cell="gru", units=4, layers=1, pixels=pixel_set.identity | {"threshold": 0.5}).save(
        shipped["model"]
    )
    Record.begin("train_predictor", shipped["model"].parent, {}, {}).end(shipped["model"].parent)
    with pytest.raises(ValueError, match=r"threshold is 0\.5 there and 0\.1 here"):
        run(take_model, **shipped)
    assert not list(shipped["out"].rglob("*.*"))
