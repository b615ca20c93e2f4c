"""The MLflow store behind one study's experiment. Every step can be repeated, and adds what lacks.

A run of MLflow is found by the tag ``scanline.run_id``, which is the record's. A parent run stands
for a data set, variant and seed, a child for a stage. An experiment belongs to one study, which an
id in its results folder names, and on a server to one user.
"""

import getpass
import json
import logging
import os
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from time import time

import pandas as pd
from filelock import FileLock

from scanline.layout import Place
from scanline.provenance.record import Record
from scanline.study.environment import ADDRESS, masked
from scanline.training.kinds import KINDS

RUN_ID, FOLDER, PARENT = "scanline.run_id", "scanline.folder", "scanline.parent"
STUDY = "scanline.study"  # the tag of an experiment
CURVE = "curve_by_epoch.csv"
SHOWN = (".png", ".csv", ".html")  # files that are artifacts, besides models
MANNERS = {  # MLflow's, where the user has not set others
    # A dead server costs seconds, not minutes.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def address() -> str | None:
    """Where the store is; None where nothing is tracked."""
    given = os.environ.get(ADDRESS, "none")
    return None if given == "none" else given


def load_mlflow() -> None:
    """Imports MLflow, with the manners that it reads from the environment."""
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    import mlflow  # noqa: F401


def study_of(results: Path) -> str:
    """The id of the study in a results folder, which goes wherever the folder goes."""
    path = results / "tracking" / "study.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps({"id": uuid.uuid4().hex}) + "\n")
        with suppress(FileExistsError):  # another process was faster
            os.link(draft, path)
        draft.unlink()
    return str(json.loads(path.read_text())["id"])


class Store:
    """The store behind one results folder's experiment.

    Raises ValueError where nothing is tracked, LookupError where the experiment was deleted, and
    what MLflow raises.
    """

    def __init__(self, results: Path):
        load_mlflow()
        from mlflow import MlflowClient

        uri = address()
        if uri is None:
            raise ValueError("tracking is none; set it in config.yaml to track runs")
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self.uri, self.results = uri, results
        self.lock = results / "tracking" / "lock"
        local = uri.startswith("sqlite")
        # A new SQLite store is made by one process; several at once would crash.
        with alone(self.lock) if local else nullcontext():
            self.client = MlflowClient(tracking_uri=uri)
            self.experiment = self._experiment(local)

    def _experiment(self, local: bool) -> str:
        """The study's experiment, made where there is none."""
        study = study_of(self.results)
        # A copy of the folder in other hands is another study, but not in a store of its own.
        who = study if local else f"{study} of {_user()}"
        # A local store would make the path absolute from whoever comes first.
        place = (self.results.resolve() / "mlflow" / "artifacts").as_uri() if local else None
        if not (found := self._found(who)):
            name = f"scanline {self.results.resolve().name} {who[:8]}"
            name += "" if local else f" of {_user()}"
            try:
                return self.client.create_experiment(
                    name, artifact_location=place, tags={STUDY: who}
                )
            except Exception:  # another process was faster
                if not (found := self._found(who)):
                    raise
        if found.lifecycle_stage == "deleted":
            raise LookupError(
                f"the experiment {found.name!r} was deleted; `mlflow experiments restore "
                f"--experiment-id {found.experiment_id}` brings it back, `mlflow gc` removes it "
                f"for good, so that a new one can be made"
            )
        if place and found.artifact_location != place:
            _relocate(Path(self.uri.removeprefix("sqlite:///")), found, place)
        return found.experiment_id

    def _found(self, study: str):
        from mlflow.entities import ViewType

        experiments = self.client.search_experiments(
            view_type=ViewType.ALL, filter_string=f"tags.`{STUDY}` = '{study}'"
        )
        kept = [each for each in experiments if each.lifecycle_stage != "deleted"]
        return next(iter(kept or experiments), None)

    def find(self, tag: str, value: str) -> list:
        """Runs that have the tag, newest first."""
        return self.client.search_runs(
            [self.experiment], f"tags.`{tag}` = '{value}'", order_by=["attributes.start_time DESC"]
        )

    def run_of(self, record: Record) -> str:
        """The run of a record, with its parent, params, tags and data sets; made where it lacks."""
        from mlflow.entities import Param, RunTag

        where = where_of(record)
        folder = Path(record.folder).relative_to(self.results).as_posix()
        began = _milliseconds(record)
        if found := self.find(RUN_ID, record.run_id):
            run_id = found[0].info.run_id
        else:
            tags = {RUN_ID: record.run_id, FOLDER: folder}
            run_id = self.client.create_run(
                self.experiment, began, tags, "/".join(Path(folder).parts[-4:])
            ).info.run_id
        older = [
            run
            for run in self.find(FOLDER, folder)
            if run.info.run_id != run_id
            and run.info.start_time <= began
            and run.data.tags.get("superseded_by", run_id) == run_id
        ]
        tags = {
            "script": record.script,
            "code_sha256": record.code_sha256,
            "mlflow.source.name": f"src/{record.script}.py",
            **where,
            **{name: str(value) for name, value in record.environment.items()},
        }
        if where.get("variant"):
            tags["mlflow.parentRunId"] = self._parent(where)
        if older:
            tags["supersedes"] = older[0].info.run_id
        params = {**where, **_recipe_of_taken(record), **record.settings}
        self.client.log_batch(
            run_id,
            params=[Param(key, str(value)[:500]) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        self._log_inputs(run_id, record)
        for run in older:
            self.client.set_tag(run.info.run_id, "superseded_by", run_id)
        return run_id

    def _parent(self, where: Mapping[str, str]) -> str:
        key = "/".join((where["data"], where["variant"], where["seed"]))
        with alone(self.lock):
            if found := self.find(PARENT, key):
                run = found[-1]
            else:
                tags = {name: where[name] for name in ("data", "variant", "seed")}
                run = self.client.create_run(
                    self.experiment,
                    tags={PARENT: key} | tags,
                    run_name=f"{where['variant']}, seed {where['seed']}",
                )
            if run.info.status == "RUNNING":
                self.client.set_terminated(run.info.run_id)
        return run.info.run_id

    def _log_inputs(self, run_id: str, record: Record) -> None:
        from mlflow.entities import Dataset, DatasetInput

        pixels = {p: h for p, h in record.inputs.items() if Path(p).parent.name == "pixels"}
        inputs = [
            DatasetInput(Dataset(f"{Path(path).parent.parent.name} {Path(path).stem}", sha[:32],
                                 "local", f'{{"path": "{path}", "sha256": "{sha}"}}'))
            for path, sha in pixels.items()
        ]  # fmt: skip
        if inputs:
            self.client.log_inputs(run_id, inputs)

    def log(
        self, run_id: str, metrics: Mapping[str, float], step: int, when: int | None = None
    ) -> None:
        """Metrics of one step, now, or at a time in milliseconds."""
        from mlflow.entities import Metric

        at = int(time() * 1000) if when is None else when
        self.client.log_batch(
            run_id, metrics=[Metric(key, value, at, step) for key, value in metrics.items()]
        )

    def complete(self, record: Record, folder: Path) -> bool:
        """Adds to a record's run what it lacks; whether anything was missing."""
        found = self.find(RUN_ID, record.run_id)
        if found and found[0].data.tags.get("complete") == "yes":
            return False
        run_id = self.run_of(record)
        ended = _milliseconds(record) + int(record.seconds * 1000)
        wanted = metrics_of(folder)
        keys = {key for key, _ in wanted}
        there = {
            (key, point.step)
            for key in keys
            for point in self.client.get_metric_history(run_id, key)
        }
        by_step: dict[int, dict[str, float]] = {}
        for (key, step), value in wanted.items():
            if (key, step) not in there:
                by_step.setdefault(step, {})[key] = value
        for step, metrics in by_step.items():
            self.log(run_id, metrics, step, ended)
        for path in sorted(folder.iterdir()):
            if path.suffix in SHOWN and path.name != "curve_by_step.csv":
                self.client.log_artifact(run_id, str(path))
        if (folder / "model.keras").exists():
            self._log_model(run_id, folder / "model.keras")
        self.client.set_terminated(run_id, "FINISHED", ended)
        self.client.set_tag(run_id, "complete", "yes")
        return True

    def _log_model(self, run_id: str, path: Path) -> None:
        """The model, loadable with mlflow.keras.load_model where scanline can be imported.

        One that was logged whole before is kept, what a killed process left of one is removed.
        """
        import mlflow

        from scanline.models.loading import load_model

        for model in self.client.search_logged_models(
            [self.experiment], filter_string=f"source_run_id = '{run_id}'"
        ):
            if model.status == "READY":
                return
            self.client.delete_logged_model(model.model_id)
        kind = KINDS[Place.of(path).task]
        mlflow.set_tracking_uri(self.uri)
        with mlflow.start_run(run_id=run_id):
            mlflow.keras.log_model(
                load_model(path, kind.model_class, None),
                name="model",
                pip_requirements=[f"{name}=={version(name)}" for name in ("tensorflow", "keras")],
            )


def where_of(record: Record) -> dict[str, str]:
    """What a stage's folder tells: data, task, and variant and seed where it has them."""
    place = Place.find(record.folder)
    return {name: str(value) for name, value in place._asdict().items()} if place else {}


def _recipe_of_taken(record: Record) -> dict:
    """The settings that a model which was taken had been trained with, so that runs compare."""
    taken = [Path(path) for path in record.inputs if Path(path).name == "training.json"]
    return Record.load(taken[0]).settings if taken and taken[0].is_file() else {}


def metrics_of(folder: Path) -> dict[tuple[str, int], float]:
    """The metrics in a stage's tables by (name, epoch); scores have epoch 0.

    Names: {split}/{quantity}, {hidden}/{quantity} or, of holes, {hole}/{method}/{quantity}.
    """
    metrics: dict[tuple[str, int], float] = {}
    if (folder / CURVE).exists():
        for line in pd.read_csv(folder / CURVE).itertuples():
            metrics[f"{line.split}/{line.quantity}", int(str(line.epoch))] = float(str(line.value))
    if (folder / "scores.csv").exists():
        for line in pd.read_csv(folder / "scores.csv").itertuples():
            metrics[f"{line.split_or_hidden}/{line.quantity}", 0] = float(str(line.value))
    if (folder / "methods.csv").exists():
        table = pd.read_csv(folder / "methods.csv").melt(id_vars=["hole", "method"])
        for line in table.dropna().itertuples():
            name = f"{line.hole}/{line.method}/{line.variable}"
            metrics[name, 0] = float(str(line.value))
    return metrics


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """The writers of one results folder take turns, where its file system can lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    turn = FileLock(lock)
    with suppress(OSError, NotImplementedError):
        turn.acquire()
    try:
        yield
    finally:
        turn.release()


def in_one_line(error: Exception) -> str:
    """What went wrong, without passwords."""
    return masked(" ".join(str(error).split()), address())[:300]


def _relocate(database: Path, experiment, place: str) -> None:
    """A local store that was moved: its artifacts lie beside it again, new ones go there too."""
    old = experiment.artifact_location
    with closing(sqlite3.connect(database)) as opened, opened:
        given = {"old": f"{old}/", "new": f"{place}/", "id": experiment.experiment_id}
        opened.execute(
            "UPDATE experiments SET artifact_location = :place WHERE experiment_id = :id",
            given | {"place": place},
        )
        for table, column in (("runs", "artifact_uri"), ("logged_models", "artifact_location")):
            opened.execute(
                f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "
                f"WHERE experiment_id = :id AND substr({column}, 1, length(:old)) = :old",
                given,
            )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


def _milliseconds(record: Record) -> int:
    """When a record's work began, since 1970."""
    return int(datetime.fromisoformat(record.started).timestamp() * 1000)
