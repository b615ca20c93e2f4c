"""Exported models are Keras' alone, and say the same where this project is not."""

import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from tabulated import all_images, tiny_predictor

from scanline.commands.main import main
from scanline.commands.models import export
from scanline.models.classifier import Classifier
from scanline.models.export import export_stock

# float32 in Keras' loop and in the native core, which add up in another order.
TOLERANCE = 2e-5

ELSEWHERE = """
import sys, keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path + ".keras")
    np.save(path + "-logits.npy", model(np.load(path + "-inputs.npy")))
assert not [name for name in sys.modules if name.startswith("scanline")]
"""


def tiny_classifier(cell: str, layers: int) -> Classifier:
    """A classifier of images of 2 x 4 pixels whose every weight is drawn."""
    model = Classifier(cell, 5, layers, {"rows": 2, "columns": 4})
    generator = np.random.default_rng(1)
    for weight in model.weights:
        values = generator.normal(size=weight.shape)
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


MODELS = {
    "previous": lambda: tiny_predictor("gru", 2, "previous"),
    "context": lambda: tiny_predictor("lstm", 1, "context"),
    "classes": lambda: tiny_classifier("lstm", 2),
    "classes-gru": lambda: tiny_classifier("gru", 1),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def inputs_of(model) -> np.ndarray:
    """What the stack reads of all images of 2 x 4 pixels."""
    images = all_images()
    if isinstance(model, Classifier):
        return images[..., None].astype(np.float32)
    return model.inputs_of.between(images, 0, 8).dense().numpy()


def test_exported_logits_are_the_model_s(model):
    exported = export_stock(model)
    wanted = model(all_images()).numpy()
    np.testing.assert_allclose(exported(inputs_of(model)), wanted, rtol=0, atol=TOLERANCE)
    assert exported.count_params() == model.count_params()


def test_an_exported_predictor_reads_sequences_of_any_length():
    model = tiny_predictor("gru", 2, "context")
    inputs = inputs_of(model)
    logits = model(all_images()).numpy()
    for steps in (1, 5):
        found = export_stock(model)(inputs[:, :steps])
        np.testing.assert_allclose(found, logits[:, :steps], rtol=0, atol=TOLERANCE)


def test_an_exported_model_keeps_its_weights_when_the_model_is_trained_on(model):
    exported = export_stock(model)
    before = exported(inputs_of(model)).numpy()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    np.testing.assert_array_equal(exported(inputs_of(model)), before)


def registered(config) -> set[str]:
    """The modules of all classes that a saved model's description names."""
    if isinstance(config, dict):
        own = {config["module"]} if isinstance(config.get("module"), str) else set()
        return own.union(*map(registered, config.values()))
    if isinstance(config, list):
        return set().union(*map(registered, config))
    return set()


def test_files_load_in_a_process_without_this_project(tmp_path):
    models = {name: make() for name, make in MODELS.items()}
    for name, model in models.items():
        model.save(tmp_path / f"own-{name}.keras")
        export(model=str(tmp_path / f"own-{name}.keras"), out=tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}-inputs.npy", inputs_of(model))
        with zipfile.ZipFile(tmp_path / f"{name}.keras") as file:
            modules = registered(json.loads(file.read("config.json")))
        assert all(module.split(".")[0] == "keras" for module in modules), modules
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    program = [sys.executable, "-W", "error::UserWarning", "-c", ELSEWHERE, *models]
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, model in models.items():
        wanted = model(all_images()).numpy()
        found = np.load(tmp_path / f"{name}-logits.npy")
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


def test_a_stranger_s_model_is_refused():
    stranger = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="a Sequential is given; needed is a Predictor or"):
        export_stock(stranger)


def test_the_model_itself_is_not_overwritten_and_another_ending_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    tiny_predictor().save(path)
    before = path.read_bytes()
    for out in (path, tmp_path / "model.h5"):
        with pytest.raises(ValueError, match=r"must end in \.keras and be another file"):
            export(model=str(path), out=out)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.keras"]


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "model.keras").write_text("no model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(SystemExit, match=r"^scanline export: model\.keras is not a readable .*$"):
        main(["export", "--model", "model.keras", "--out", "stock.keras"])
    assert not (tmp_path / "stock.keras").exists()


def test_the_command_exports(tmp_path, monkeypatch):
    model = tiny_predictor()
    model.save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    main(["export", "--model", "model.keras", "--out", "new/stock.keras"])
    exported = keras.saving.load_model(tmp_path / "new" / "stock.keras")
    wanted = model(all_images()).numpy()
    np.testing.assert_allclose(exported(inputs_of(model)), wanted, rtol=0, atol=TOLERANCE)
