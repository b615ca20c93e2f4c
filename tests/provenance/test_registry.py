"""Models in MLflow: registered, and loaded and served where this project is not."""

import ast
import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import requests
from recipes import arguments_of
from servers import ModelServer
from study_copy import ROOT
from tiny_study import DATA, SHAPE, binarise_digits, train, train_folder
from tracking_store import opened

from scanline.data.pixels import load_pixels
from scanline.library import LoadedClassifier, load
from scanline.models import native
from scanline.models.classifier import Classifier
from scanline.models.counting import n_parameters_in
from scanline.models.loading import n_parameters
from scanline.provenance import registry, tracking
from scanline.provenance.stage import run
from scanline.provenance.store import Store
from train_classifier import train_classifier

# MLflow's own modules, when a model is first logged; no concern of this project.
pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")

PREDICT, CLASSIFY = f"{DATA}-predict-gru-4", f"{DATA}-classify-gru-4"
PAGE = (ROOT / "docs/mlflow.md").read_text()
LOAD, ASK = (  # the page's programs, on this study's images of 4 x 4
    block.replace("mnist-threshold-0.1-predict-gru-64", PREDICT).replace("28, 28", "4, 4")
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
)


@pytest.fixture(scope="module")
def results(tmp_path_factory, environment) -> Path:
    """Two seeds of a predictor and a classifier, sent to a store of SQLite."""
    results = tmp_path_factory.mktemp("registry") / "results"
    environment.setenv(tracking.ADDRESS, "none")
    binarise_digits(results, results.parent / "digits")
    for seed in (1, 2):
        train(results, seed=seed)
    pixels = results / DATA / "pixels"
    run(
        train_classifier,
        train=pixels / "train.npz",
        validation=pixels / "validation.npz",
        checkpoints=results / "checkpoints",
        out=results / DATA / "classify/gru-4/seed-1/train",
        **arguments_of("train_classifier", epochs=2, batch_size=16, seed=1, **SHAPE),
    )
    opened(results)
    assert tracking.send(results) == 4
    return results


@pytest.fixture(scope="module")
def elsewhere(results, tmp_path_factory, environment) -> Path:
    """An empty folder, to work in with nothing of this project but the core, which was built."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment.setenv("MLFLOW_TRACKING_URI", tracking.address())
    environment.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    environment.setenv("MPLCONFIGDIR", matplotlib.get_cachedir())
    environment.delenv("PYTHONPATH", raising=False)
    if native.library():
        core = folder / "cache/scanline/kernel"
        core.parent.mkdir(parents=True)
        core.symlink_to(native.build(native.compiler()).parent)
    return folder


def model_of(client, version):
    """The logged model that a version was made of."""
    return client.get_logged_model(version.source.removeprefix("models:/"))


def content(results: Path) -> dict:
    """All that the registry of a study holds, by names."""
    client = Store(results).client
    return {
        each.name: (
            {alias: str(number) for alias, number in each.aliases.items()},
            [
                (dict(v), dict(model_of(client, v)))
                for v in client.search_model_versions(f"name = '{each.name}'")
            ],
        )
        for each in client.search_registered_models()
    }


def test_a_registered_model_has_a_version_a_seed_and_the_best_by_validation(results):
    client = Store(results).client
    assert content(results).keys() == {PREDICT, CLASSIFY}
    versions = {v.tags["seed"]: v for v in client.search_model_versions(f"name = '{PREDICT}'")}
    assert sorted(versions) == ["1", "2"]
    least = {}
    for seed, version in versions.items():
        folder = train_folder(results, seed=int(seed))
        curve = pd.read_csv(folder / "curve_by_epoch.csv").query("split == 'validation'")
        kept = curve.pivot(index="epoch", columns="quantity", values="value").sort_values(
            "nats_per_pixel"
        )
        least[seed] = kept["nats_per_pixel"].iloc[0]
        model = model_of(client, version)
        assert model.name == f"predict-gru-4-seed-{seed}"
        assert model.params["units"] == "4"
        assert {metric.key: metric.value for metric in model.metrics} == {
            f"validation/{quantity}": value for quantity, value in kept.iloc[0].items()
        }
    best = client.get_model_version_by_alias(PREDICT, "best")
    assert best.tags["seed"] == min(least, key=least.__getitem__)


def test_sending_again_changes_nothing_and_mends_what_is_missing(results):
    before = content(results)
    assert tracking.send(results) == 0
    assert content(results) == before
    client = Store(results).client
    client.delete_registered_model_alias(CLASSIFY, "best")
    tracking.send(results)
    assert content(results)[CLASSIFY][0] == {"best": "1"}


def test_a_run_is_looked_up_once(results, monkeypatch):
    asked = []

    def find(self, tag: str, value: str) -> list:
        asked.append((tag, value))
        return found(self, tag, value)

    found = Store.find
    monkeypatch.setattr(Store, "find", find)
    tracking.send(results)
    runs = [value for tag, value in asked if tag == tracking.RUN_ID]
    assert len(runs) == len(set(runs)) == 4  # a request each, on a server


def test_the_name_of_another_study_is_left_to_it(results):
    store = Store(results)
    mine = registry._registered(store, PREDICT)
    store.owner = f"{'0' * 32} of somebody"
    other = registry._registered(store, PREDICT)
    assert (mine, other) == (PREDICT, f"{PREDICT} 00000000 of somebody")
    assert registry._registered(store, PREDICT) == other
    store.client.delete_registered_model(other)


def test_parameters_are_counted_without_loading(results):
    for task in ("predict", "classify"):
        path = results / DATA / task / "gru-4/seed-1/train/model.keras"
        assert n_parameters_in(path) == n_parameters(load(path, task=task).keras)


def test_requirements_are_those_of_the_code_as_they_are_locked(results):
    client = Store(results).client
    (version,) = client.search_model_versions(f"name = '{CLASSIFY}'")
    place = model_of(client, version).artifact_location.removeprefix("file://")
    named = set(Path(place, "requirements.txt").read_text().split())
    lock = (ROOT / "requirements.lock").read_text()
    assert named <= set(re.findall(r"^[\w.-]+==[\w.]+", lock, re.MULTILINE))
    modules = {name for file in registry._code() if file.suffix == ".py" for name in imported(file)}
    imports = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"scanline"}
    needed = {"pillow" if name == "PIL" else name for name in imports}
    assert {line.partition("==")[0] for line in named} == needed - {"matplotlib"}  # of .plot()


def imported(file: Path) -> Iterator[str]:
    """What a module imports as soon as it is imported itself."""
    waiting: list[ast.AST] = [ast.parse(file.read_text())]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module)
            elif isinstance(node, ast.If | ast.With | ast.Try):  # not TYPE_CHECKING
                waiting += [node] * ("TYPE_CHECKING" not in ast.unparse(node))


CHECKED = f"""
import json, sys
sys.path.append(sys.argv[1])
{LOAD}
import scanline
assert scanline.__file__.startswith(sys.argv[2]), scanline.__file__
classify = mlflow.pyfunc.load_model("models:/{CLASSIFY}@best")
whole = np.load(sys.argv[3])
print(json.dumps([
    {{name: values.tolist() for name, values in found.items()}},
    model.predict(whole)["log_observed"].tolist(),
    classify.predict(whole).tolist(),
]))
"""


def test_models_load_where_nothing_of_the_project_is(results, elsewhere):
    images = load_pixels(results / DATA / "pixels/test.npz").pixels[:3].reshape(-1, 4, 4)
    np.save(elsewhere / "whole.npy", images.astype(float))
    words = [sysconfig.get_path("purelib"), str(results), "whole.npy"]
    done = subprocess.run(  # without the packages that are installed by a path, as this one is
        [sys.executable, "-I", "-S", "-c", CHECKED, *words],
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found, nats, classes = json.loads(done.stdout)
    seed = Store(results).client.get_model_version_by_alias(PREDICT, "best").tags["seed"]
    mine = load(train_folder(results, seed=int(seed)))
    hidden = np.zeros((4, 4), bool)
    hidden[:2, :2] = True
    expected = mine.complete(np.zeros((4, 4)), hidden, 8, 0)
    np.testing.assert_array_equal(found["completions"], expected.samples[None])
    np.testing.assert_allclose(found["marginals"], expected.marginals[None], rtol=1e-6)
    np.testing.assert_allclose(found["log_observed"], [expected.log_observed], rtol=1e-6)
    assert found["error"] == [0]
    np.testing.assert_allclose(nats, mine.log_likelihood(images), rtol=1e-6)
    folder = results / DATA / "classify/gru-4/seed-1/train"
    expected = np.exp(load(folder, task="classify").log_probs(images))
    np.testing.assert_allclose(classes, expected, rtol=1e-5)


def test_a_served_classifier_of_grey_pixels_takes_what_lies_between_paper_and_ink():
    from mlflow.exceptions import MlflowException

    from scanline.served import ServedClassifier

    grey = np.random.default_rng(0).integers(0, 256, (3, 4, 4)) / 255
    for binarise, allowed in (
        ("none", "0 (paper) to 1 (ink)"),
        ("threshold", "0 (paper), 1 (ink)"),
    ):
        pixels = {"rows": 4, "columns": 4, "binarise": binarise, "polarity": "ink is 1"}
        model = LoadedClassifier(Classifier("gru", 4, 1, pixels), "mine")
        served = ServedClassifier(model)
        if binarise == "none":
            wanted = np.exp(model.log_probs(grey))
            np.testing.assert_allclose(served.predict(grey), wanted, rtol=1e-6)  # float32
        else:
            with pytest.raises(MlflowException, match=re.escape(f"allowed: {allowed}")):
                served.predict(grey)
        with pytest.raises(MlflowException, match=re.escape(f"value 2.0; allowed: {allowed}")):
            served.predict(np.full((1, 4, 4), 2.0))


def test_a_server_completes_an_image_and_refuses_others(elsewhere):
    (line,) = re.findall(r"^(mlflow models serve .*) --port 5001$", PAGE, re.MULTILINE)
    server = ModelServer(
        elsewhere / "server", line.replace("mnist-threshold-0.1-predict-gru-64", PREDICT)
    )
    given = np.zeros((1, 4, 4))
    given[0, :2, :2] = -1
    known = {"images": given}
    try:
        server.start()
        exec(ASK.replace("http://127.0.0.1:5001", server.address), known)
        completed = np.array(known["found"]["completions"])
        assert completed.shape == (1, 8, 4, 4)
        assert not completed[:, :, 2:].any()
        assert np.isfinite(known["found"]["log_observed"]).all()
        for wrong, told in (
            ({"inputs": [[[0, 1]]]}, "images have shape (1, 1, 2); allowed: [N, 4, 4]"),
            ({"inputs": (given / 2).tolist()}, "images hold the value -0.5; allowed: 0 (paper), 1"),
            ({"inputs": [[["ink"] * 4] * 4]}, "could not convert string to float: 'ink'"),
            ({"inputs": given.tolist(), "params": {"samples": 0}}, "samples is 0; allowed: 1"),
        ):
            answer = requests.post(f"{server.address}/invocations", json=wrong, timeout=60)
            message = answer.json()["message"]
            assert (answer.status_code, told in message) == (400, True), message
            assert "\n" not in message
    finally:
        server.stop()
