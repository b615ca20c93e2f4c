"""Exported models need nothing of this project, and say the same: an image in, logits out."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras_versions import VERSIONS, installed
from study_copy import ROOT
from tabulated import all_images, tiny_predictor

from scanline.catalogue import pretrained
from scanline.commands.main import main
from scanline.commands.models import export
from scanline.models.classifier import Classifier, load_classifier
from scanline.models.export import export_stock, exported
from scanline.models.predictor import Predictor, load_predictor
from scanline.models.saving import DATE, SAVED

# float32 in other loops than the native core's, which add up in another order.
TOLERANCE = 2e-5
SIZE = (2, 4)

ELSEWHERE = """
import sys, keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path + ".keras")
    np.save(path + "-logits.npy", np.asarray(model(np.load("images.npy"))))
assert not [name for name in sys.modules if name.startswith("scanline")]
print(keras.__version__)
"""


def tiny_classifier(cell: str, layers: int, **described: str) -> Classifier:
    """A classifier of images of 2 x 4 pixels whose every weight is drawn."""
    model = Classifier(cell, 5, layers, {"rows": 2, "columns": 4} | described)
    generator = np.random.default_rng(1)
    for weight in model.weights:
        values = generator.normal(size=weight.shape)
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


MODELS = {
    "previous": lambda: tiny_predictor("gru", 2, "previous"),
    "context": lambda: tiny_predictor("lstm", 1, "context"),
    "deep": lambda: tiny_predictor("gru", 3, "context", deep=True),
    "context-3": lambda: tiny_predictor("gru", 3, "context"),
    "classes": lambda: tiny_classifier("lstm", 2),
    "classes-gru": lambda: tiny_classifier("gru", 1),
    "classes-permuted": lambda: tiny_classifier("gru", 1, order="permuted"),
}
IMAGES = all_images().reshape(-1, *SIZE).astype(np.float32)


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def logits_of(model) -> np.ndarray:
    """The model's own of all images of 2 x 4 pixels, in the export's shape."""
    logits = model(all_images()).numpy()
    return logits if isinstance(model, Classifier) else logits.reshape(-1, *SIZE)


def test_exported_logits_are_the_model_s(model):
    stock = export_stock(model)
    np.testing.assert_allclose(stock(IMAGES), logits_of(model), rtol=0, atol=TOLERANCE)
    assert stock.count_params() == model.count_params()


def test_an_exported_model_keeps_its_weights_when_the_model_is_trained_on(model):
    stock = export_stock(model)
    before = stock(IMAGES).numpy()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    np.testing.assert_array_equal(stock(IMAGES), before)


def registered(config) -> set[str]:
    """The modules of all classes that a saved model's description names."""
    if isinstance(config, dict):
        own = {config["module"]} if isinstance(config.get("module"), str) else set()
        return own.union(*map(registered, config.values()))
    if isinstance(config, list):
        return set().union(*map(registered, config))
    return set()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """All models as this project saves them and as they are exported, and the images."""
    folder = tmp_path_factory.mktemp("exported")
    np.save(folder / "images.npy", IMAGES)
    for name, make in MODELS.items():
        make().save(folder / f"own-{name}.keras")
        export(model=str(folder / f"own-{name}.keras"), out=folder / f"{name}.keras")
    return folder


def test_a_file_names_keras_alone(files):
    for name in MODELS:
        with zipfile.ZipFile(files / f"{name}.keras") as file:
            modules = registered(json.loads(file.read("config.json")))
        assert all(module.split(".")[0] == "keras" for module in modules), modules


@pytest.mark.parametrize("version", VERSIONS)
def test_files_load_in_other_versions_of_keras_without_this_project(files, version):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    environment["PYTHONPATH"] = str(installed(version))
    program = [sys.executable, "-W", "error::UserWarning", "-c", ELSEWHERE, *MODELS]
    done = subprocess.run(program, cwd=files, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == version
    for name, make in MODELS.items():
        found = np.load(files / f"{name}-logits.npy")
        np.testing.assert_allclose(found, logits_of(make()), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_onnx_says_the_same(files, name):
    import onnx
    import onnxruntime

    content = exported(files / f"own-{name}.keras", "onnx", batch=8)
    assert {each.domain: each.version for each in onnx.load_from_string(content).opset_import}[
        ""
    ] == 17  # as docs/library.md says
    session = onnxruntime.InferenceSession(content)
    (given,), (said,) = session.get_inputs(), session.get_outputs()
    wanted = logits_of(MODELS[name]())[8:16]
    assert (given.name, given.shape) == ("images", [8, *SIZE])
    assert (said.name, said.shape) == ("logits", list(wanted.shape))
    (found,) = session.run(["logits"], {"images": IMAGES[8:16]})
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


def test_a_batch_that_a_format_cannot_fix_is_refused(files):
    with pytest.raises(ValueError, match=r"batch is 8, but a \.keras file takes any number"):
        exported(files / "own-previous.keras", "keras", batch=8)


@pytest.mark.parametrize("name", MODELS)
def test_equal_weights_give_equal_bytes(files, tmp_path, name):
    MODELS[name]().save(tmp_path / "again.keras")
    assert exported(tmp_path / "again.keras", "keras") == (files / f"{name}.keras").read_bytes()


def test_an_exported_keras_file_carries_no_date(files):
    with zipfile.ZipFile(files / "previous.keras") as file:
        assert {part.date_time for part in file.infolist()} == {DATE}
        assert json.loads(file.read("metadata.json"))["date_saved"] == SAVED


@pytest.mark.parametrize("name", MODELS)
def test_tensorflow_lite_says_the_same(files, name):
    from ai_edge_litert.interpreter import Interpreter

    content = exported(files / f"own-{name}.keras", "tflite", batch=8)
    signature = Interpreter(model_content=content).get_signature_runner()
    given = signature.get_input_details()
    assert given.keys() == {"images"}
    assert given["images"]["shape"].tolist() == [8, *SIZE]
    said = signature(images=IMAGES[8:16])
    assert said.keys() == {"logits"}
    wanted = logits_of(MODELS[name]())[8:16]
    # Logits of tens have fewer digits behind the point.
    np.testing.assert_allclose(said["logits"], wanted, rtol=1e-6, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("place", "load"),
    [
        ("predict/gru-64-context", load_predictor),
        ("classify/gru-32", load_classifier),
    ],
)
def test_a_shipped_model_says_the_same_of_digits(place, load):
    model = load(pretrained() / f"mnist-threshold-0.1/{place}/seed-1/model.keras")
    images = np.random.default_rng(0).integers(0, 2, (2, 28, 28)).astype(np.float32)
    images[:, :8] = 0
    wanted = model(images.reshape(2, -1)).numpy()
    found = export_stock(model)(images).numpy().reshape(wanted.shape)
    # Over 784 steps differences of rounding grow, relative to logits of up to some tens.
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-3)


def test_a_stranger_s_model_is_refused():
    stranger = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="a Sequential is given; needed is a Predictor or"):
        export_stock(stranger)


def test_the_model_itself_is_not_overwritten_and_another_ending_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    tiny_predictor().save(path)
    before = path.read_bytes()
    for out in (path, tmp_path / "model.h5", tmp_path / "model.onnx"):
        with pytest.raises(ValueError, match=r"it must end in \.keras and be another file"):
            export(model=str(path), out=out)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_converter_that_is_missing_is_named(tmp_path, monkeypatch):
    tiny_predictor().save(tmp_path / "model.keras")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ValueError, match=r"ONNX needs tf2onnx: pip install 'scanline\[export\]'"):
        export(model=str(tmp_path / "model.keras"), out=tmp_path / "a.onnx", format="onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_the_verb_writes_each_format(tmp_path, monkeypatch):
    Predictor("gru", 4, 1, {"rows": 2, "columns": 4}).save(tmp_path / "model.keras")
    for kind in ("keras", "onnx", "tflite"):
        out = tmp_path / f"new.{kind}"
        main(
            [
                "export",
                "--model",
                str(tmp_path / "model.keras"),
                "--out",
                str(out),
                "--format",
                kind,
            ]
        )
        assert out.stat().st_size > 1000


def test_the_documented_exports_run(tmp_path, monkeypatch):
    text = (ROOT / "docs/library.md").read_text()
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^scanline (export .+)$", text, re.MULTILINE)
    for command in commands:
        main(command.split())
    assert {path.name for path in tmp_path.iterdir()} == {"stock.keras", "model.onnx"}
    (program,) = re.findall(r"```python\n(import keras\n.+?)```", text, re.DOTALL)
    names: dict = {}
    exec(program, names)
    images = np.zeros((1, 28, 28), np.float32)
    assert names["model"](images).shape == (1, 28, 28)
