"""Rows of docs/bad-input.md about model files."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from hostile_model import save_hostile_model
from recipes import words_of
from refusals import Cases, command, cut
from small_digits import binarised, save_sets

from scanline.data.pixels import PixelSet, save_pixels
from scanline.data.published import MNIST_FILES as FILES
from scanline.files import save_arrays
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor

cases = Cases()


@cases.add
def model_cut_short(study):
    study.save_model()
    cut(study.model, -1000)
    return study.score()


@cases.add
def model_other_task(study):
    study.save_model(Classifier)
    return study.score()


@cases.add
def model_other_architecture(study):
    study.save_model()
    rewrite_config(study.model, lambda text: text.replace('"units": 4', '"units": 5'))
    return study.score()


def rewrite_config(model: Path, change: Callable[[str], str]) -> None:
    """Changes the config in a .keras file, which must be changed by it."""
    with zipfile.ZipFile(model) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    before = parts["config.json"].decode()
    parts["config.json"] = change(before).encode()
    assert parts["config.json"].decode() != before
    with zipfile.ZipFile(model, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


@cases.add
def model_of_huge_units(study):
    study.save_model()
    rewrite_config(study.model, lambda text: text.replace('"units": 4', '"units": 1000000000'))
    return study.score()


@cases.add
def model_of_many_layers(study):
    study.save_model()
    rewrite_config(study.model, lambda text: text.replace('"units": 4', '"units": 4000'))
    rewrite_config(study.model, lambda text: text.replace('"layers": 1', '"layers": 64'))
    return study.score()


@cases.add
def model_that_unpacks_without_end(study):
    study.save_model()
    with zipfile.ZipFile(study.model, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("assets/zeros", bytes(1 << 29))
    return study.score()


@cases.add
def model_of_compressed_weights(study):
    study.save_model()
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        size = 1 << 27
        file.create_dataset("vars/0", (size,), "f4", chunks=(1 << 20,), compression="gzip")
    replace_part(study.model, "model.weights.h5", content.getvalue())
    return study.score()


def replace_part(model: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(model) as file:
        parts = {each: file.read(each) for each in file.namelist()}
    with zipfile.ZipFile(model, "w") as file:
        for each, held in (parts | {name: content}).items():
            file.writestr(each, held)


@cases.add
def model_polarity(study):
    study.save_model(polarity="ink is 0")
    return study.score()


@cases.add
def model_threshold(study):
    study.save_model(Classifier, threshold=0.5)
    return study.score("classifier")


@cases.add
def model_classes(study):
    study.save_model(Classifier, classes=12)
    return study.score("classifier")


@cases.add
def images_without_labels(study):
    study.save_model(Classifier)
    for name in ("train", "test"):
        whole = study.sets[name]
        bare = PixelSet(whole.pixels, None, whole.description | {"classes": 0})
        save_pixels(study.pixels / f"{name}.npz", bare)
    return study.score("classifier")


@cases.add
def grey_pixels_for_a_predictor(study):
    save_sets(study.pixels, binarised(study.idx, method="none"))
    files = {name: study.pixels / f"{name}.npz" for name in ("train", "validation")}
    folders = {"checkpoints": study.folder / "checkpoints", "out": study.out}
    recipe = words_of("train_predictor", cell="gru", units=4, layers=1, epochs=1)
    return [*command("train_predictor", **files, **folders), *recipe]


@cases.add
def model_data_set(study):
    identity = study.sets["test"].identity
    study.save_model(source="elsewhere", sha256=identity["sha256"] | {FILES[0]: "0" * 64})
    test = study.sets["test"]
    cut_images = {"cut": 6, "hidden_runs": [1, 4]}
    arrays = dict(pixels=test.pixels, labels=test.labels, indices=np.arange(24))
    path = study.folder / "hidden.npz"
    save_arrays(path, test.description | cut_images, **arrays)
    rest = {"samples": 2, "seed": 0, "out": study.out}
    return command("sample_completions", model=study.model, hidden=path, **rest)


@cases.add
def nan_in_weights(study):
    model = Predictor("gru", 4, 1, study.sets["test"].identity)
    kernel = model.weights[1]
    value = kernel.numpy()
    value[0, 0] = np.nan
    kernel.assign(value)
    model.save(study.model)
    return study.score()


@cases.add
def hostile_model(study):
    save_hostile_model(study.model, study.mark)
    return study.score()


@pytest.mark.parametrize("name", sorted(cases))
def test_refused(name, study, capfd):
    cases.check(name, study, capfd)


def test_the_hostile_model_is_one(study):
    cases["hostile-model"](study)
    keras.saving.load_model(study.model, safe_mode=False)
    assert study.mark.exists()
