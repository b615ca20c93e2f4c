"""Trained models in MLflow: logged with their code, and registered by variant and task.

A logged model loads and is served without this project: beside its .keras file lies the code that
``scanline.served`` imports. A registered model has a version for each training, and the alias BEST
on the version whose held-out images were predicted best.
"""

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scanline.data.pixels import classes_of
from scanline.layout import Place
from scanline.models.description import description_of
from scanline.provenance.code import SOURCE, code_of
from scanline.provenance.summary import CURVE, Summary
from scanline.training.kinds import KINDS

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature

    from scanline.provenance.store import Store

SERVED = "scanline.served"
REQUIRED = (  # of PyPI: what served models import, in the versions that are installed here
    *("filelock", "h5py", "keras", "numpy", "pandas", "pillow", "platformdirs", "requests"),
    *("scipy", "tensorflow", "tqdm", "urllib3"),
)
KEY = "scanline.registered"  # the tag of a registered model
BEST = "best"


def log_model(store: "Store", run_id: str, path: Path) -> None:
    """Logs a model.keras as that of a run.

    One that was logged whole before is kept, what a killed process left of one is removed.
    """
    import mlflow
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    for left in models_of(store, run_id):
        if left.status == "READY":
            return
        store.client.delete_logged_model(left.model_id)
    place = Place.of(path)
    name = f"{place.task}-{place.variant}-seed-{place.seed}".replace(".", "_")  # MLflow's rule
    params = store.client.get_run(run_id).data.params
    model = store.client.create_logged_model(
        store.experiment, name, run_id, params=params, model_type=place.task
    )
    store.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    signature, example = _contract(path)
    with TemporaryDirectory() as folder:
        code = Path(folder) / "scanline"
        for file in _code():
            copy = code / file.relative_to(SOURCE / "scanline")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        mlflow.pyfunc.save_model(
            Path(folder) / "model",
            loader_module=SERVED,
            data_path=str(path),
            code_paths=[str(code)],
            signature=signature,
            input_example=example,
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIRED],
            mlflow_model=Model(run_id=run_id, model_id=model.model_id, model_uuid=model.model_id),
        )
        store.client.log_model_artifacts(model.model_id, f"{folder}/model")
    store.client.finalize_logged_model(model.model_id, "READY")


def register(store: "Store", summaries: Sequence[Summary], runs: Mapping[Path, str]) -> None:
    """Makes a version of each logged model that has none, tells its metrics, sets the alias.

    ``runs`` gives the run of each stage's folder.
    """
    import mlflow

    mlflow.set_tracking_uri(store.uri)  # by which MLflow finds what a version is made of
    found: dict[tuple[str, str, str], dict[int, tuple[Summary, str, LoggedModel]]] = {}
    for each in summaries:
        for task, path in each.models.items():
            if logged := models_of(store, runs[path.parent]):
                of_all = found.setdefault((each.where["data"], task, each.where["variant"]), {})
                of_all[int(each.where["seed"])] = each, task, logged[0]
    for names, by_seed in found.items():
        registered = _registered(store, "-".join(names))
        known = store.client.search_model_versions(f"name = '{registered}'")
        versions = {each.run_id: each.version for each in known}
        ranks = {}
        for seed, (summary, task, model) in sorted(by_seed.items()):
            path = summary.models[task]
            run_id = runs[path.parent]
            if run_id not in versions:
                made = store.client.create_model_version(
                    registered,
                    f"models:/{model.model_id}",
                    run_id,
                    {"seed": seed},
                    await_creation_for=0,
                    model_id=model.model_id,
                )
                versions[run_id] = made.version
            epoch, held_out = _kept(path.parent / CURVE, task)
            _tell(store, run_id, model, epoch, held_out, _of_test(summary, task))
            ranks[versions[run_id]] = _rank(task, held_out)
        aliases = store.client.get_registered_model(registered).aliases
        best = min(ranks, key=lambda each: ranks[each], default=None)
        if best and str(aliases.get(BEST)) != str(best):
            store.client.set_registered_model_alias(registered, BEST, best)


def models_of(store: "Store", run_id: str) -> list["LoggedModel"]:
    """The models that a run has logged, or begun to log."""
    return store.client.search_logged_models(
        [store.experiment], filter_string=f"source_run_id = '{run_id}'"
    )


def _contract(path: Path) -> tuple["ModelSignature", np.ndarray]:
    """What ``scanline.served`` takes and gives for a model, and an image for example."""
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    def tensor(dtype: str, *shape: int, name: str | None = None) -> TensorSpec:
        return TensorSpec(np.dtype(dtype), (-1, *shape), name)

    pixels = description_of(path)["config"]["pixels"]
    size = pixels["rows"], pixels["columns"]
    example = np.zeros((1, *size))
    # The size is left open, so that served.py, in one line, refuses another one.
    given = Schema([tensor("float64", -1, -1)])
    if Place.of(path).task == "classify":
        return ModelSignature(given, Schema([tensor("float64", classes_of(pixels))])), example
    example[0, size[0] // 2, :2] = -1
    found = Schema(
        [
            tensor("uint8", -1, *size, name="completions"),
            tensor("float64", *size, name="marginals"),
            tensor("float64", name="log_observed"),
            tensor("float64", name="error"),
        ]
    )
    params = [ParamSpec("samples", DataType.long, 16), ParamSpec("seed", DataType.long, 0)]
    return ModelSignature(given, found, ParamSchema(params)), example


@cache
def _code() -> list[Path]:
    """The files of the package that a served model runs."""
    files = set(code_of(SERVED.replace(".", "/")))
    folders = {folder for file in files for folder in file.parents if SOURCE in folder.parents}
    return sorted(
        files | {file for folder in folders if (file := folder / "__init__.py").is_file()}
    )


def _registered(store: "Store", name: str) -> str:
    """The registered model of a study by that name, or a longer one where another study has it."""
    from mlflow.exceptions import MlflowException

    key = f"{store.owner}/{name}"
    if found := store.client.search_registered_models(f"tags.`{KEY}` = '{key}'"):
        return found[0].name
    try:
        return store.client.create_registered_model(name, {KEY: key}).name
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    longer = f"{name} {store.owner[:8]}{store.owner[32:]}"
    return store.client.create_registered_model(longer, {KEY: key}).name


def _kept(curve: Path, task: str) -> tuple[int, dict[str, float]]:
    """The epoch whose weights a training kept, and its metrics of held-out images."""
    table = pd.read_csv(curve)
    table = table[table["split"] != "train"]
    names = table["split"] + "/" + table["quantity"]
    by_epoch = {
        int(str(epoch)): dict(zip(names[rows.index], rows["value"], strict=True))
        for epoch, rows in table.groupby("epoch")
    }
    return min(by_epoch.items(), key=lambda each: _rank(task, each[1]))


def _rank(task: str, held_out: Mapping[str, float]) -> tuple[float, ...]:
    """The lower, the better, as the task's trainings compare checkpoints."""
    objective = KINDS[task].minimised
    values = {name.partition("/")[2]: value for name, value in held_out.items()}
    return objective.rank(objective.score_in(values))


def _of_test(summary: Summary, task: str) -> dict[str, float]:
    """The metrics of test images that a summary has of one task."""
    parts = ((name.partition("/"), value) for name, value in summary.metrics.items())
    return {f"test/{name}": value for (of, _, name), value in parts if of == task}


def _tell(
    store: "Store",
    run_id: str,
    model: "LoggedModel",
    epoch: int,
    held_out: Mapping[str, float],
    of_test: Mapping[str, float],
) -> None:
    """Tells a model, and the run that logged it, the metrics that they lack."""
    points = sorted(model.metrics or [], key=lambda point: point.timestamp)
    told = {point.key: point.value for point in points}
    for name, value in held_out.items():
        if told.get(name) != value:
            points = store.client.get_metric_history(run_id, name)
            when = max(point.timestamp for point in points if point.step == epoch)
            store.log(run_id, {name: value}, epoch, when, model.model_id)
    if new := {name: value for name, value in of_test.items() if told.get(name) != value}:
        store.log(run_id, new, 0, model_id=model.model_id)
