"""MLflow observes the study: trainings live, everything else sent from the files.

Files decide. The store's address comes from SCANLINE_TRACKING (``none``, or an MLflow URI), which
the Snakefile sets. A store that cannot be reached costs no result: it warns once, and ``send``
later adds what is missing, and only that. A run of MLflow is found by the tag ``scanline.run_id``,
which is the record's; a parent run stands for a data set, variant and seed, a child for a stage.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from filelock import FileLock

from scanline.layout import Place, results_of
from scanline.provenance.record import Record, records_in
from scanline.training.kinds import KINDS

ADDRESS = "SCANLINE_TRACKING"
RUN_ID, FOLDER, PARENT = "scanline.run_id", "scanline.folder", "scanline.parent"
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


def open_store(results: Path) -> None:
    """Makes the store's tables and the experiment, once, before several writers come.

    Raises OSError, one line, where the store cannot be reached.
    """
    try:
        _Store(results)
    except Exception as error:  # MLflow and its database drivers raise many kinds
        raise OSError(
            f"the tracking store {address()} cannot be opened ({_line(error)})"
        ) from error


@contextmanager
def live(record: Record) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """Follows a training: yields a function that logs an epoch's metrics. Never raises itself."""
    watch = _Watch(record)
    try:
        yield watch.log_epoch
    except BaseException:
        watch.end("FAILED")
        raise
    watch.end("FINISHED")


def send(results: Path) -> int:
    """Sends what the store lacks of all records under ``results``; returns the runs it added to.

    Doing it twice changes nothing. Raises OSError where the store does not take all.
    """
    try:
        store = _Store(results)
        with _alone(results / "tracking" / "sending"):
            records = records_in(results).items()
            return sum(store.complete(record, folder) for folder, record in records)
    except ValueError:
        raise
    except Exception as error:
        raise OSError(
            f"the tracking store {address()} cannot be filled ({_line(error)})"
        ) from error


class _Watch:
    """One training's run while it goes on; silent, after one warning, once the store fails."""

    def __init__(self, record: Record):
        self.store: _Store | None = None
        self.run_id = ""
        if address():
            self._try(lambda: self._begin(record))

    def _begin(self, record: Record) -> None:
        self.store = _Store(results_of(record.folder))
        self.run_id = self.store.run_of(record)

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        if store := self.store:
            self._try(partial(store.log, self.run_id, metrics, epoch))

    def end(self, status: str) -> None:
        if store := self.store:
            self._try(partial(store.client.set_terminated, self.run_id, status))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self.store = None
            print(
                f"tracking: {address()} does not answer ({_line(error)}); the training goes on, "
                f"`make track` sends what is missing",
                file=sys.stderr,
            )


class _Store:
    """The store behind one results folder's experiment."""

    def __init__(self, results: Path):
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        from mlflow import MlflowClient

        uri = address()
        if uri is None:
            raise ValueError("tracking is none; set it in config.yaml to track runs")
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self.uri = uri
        self.lock = results / "tracking" / "lock"
        # A new SQLite store is made by one process; several at once would crash.
        with _alone(self.lock) if uri.startswith("sqlite") else nullcontext():
            self.client = MlflowClient(tracking_uri=uri)
            self.experiment = self._experiment(results.resolve())

    def _experiment(self, results: Path) -> str:
        name = f"scanline {results.name}"
        found = self.client.get_experiment_by_name(name)
        if found:
            return found.experiment_id
        # A local store would make the path absolute from whoever comes first.
        local = self.uri.startswith("sqlite")
        place = (results / "mlflow" / "artifacts").as_uri() if local else None
        try:
            return self.client.create_experiment(name, artifact_location=place)
        except Exception:  # another process was faster
            found = self.client.get_experiment_by_name(name)
            if not found:
                raise
            return found.experiment_id

    def find(self, tag: str, value: str) -> list:
        """Runs that have the tag, newest first."""
        return self.client.search_runs(
            [self.experiment], f"tags.`{tag}` = '{value}'", order_by=["attributes.start_time DESC"]
        )

    def run_of(self, record: Record) -> str:
        """The run of a record; made, with its parent, params and tags, where there is none."""
        found = self.find(RUN_ID, record.run_id)
        if found:
            return found[0].info.run_id
        from mlflow.entities import Param, RunTag

        where = where_of(record)
        older = [run for run in self.find(FOLDER, record.folder) if _is_current(run)]
        tags = {
            RUN_ID: record.run_id,
            FOLDER: record.folder,
            "script": record.script,
            "code_sha256": record.code_sha256,
            **where,
            **{name: str(value) for name, value in record.environment.items()},
        }
        if where.get("variant"):
            tags["mlflow.parentRunId"] = self._parent(where)
        if older:
            tags["supersedes"] = older[0].info.run_id
        name = "/".join(Path(record.folder).parts[-4:])
        run_id = self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id
        params = {**where, **_recipe_of_taken(record), **record.settings}
        self.client.log_batch(
            run_id,
            params=[Param(key, str(value)[:500]) for key, value in params.items()],
            tags=[RunTag("mlflow.source.name", f"src/{record.script}.py")],
        )
        self._log_inputs(run_id, record)
        for run in older:
            self.client.set_tag(run.info.run_id, "superseded_by", run_id)
        return run_id

    def _parent(self, where: Mapping[str, str]) -> str:
        key = "/".join((where["data"], where["variant"], where["seed"]))
        if found := self.find(PARENT, key):
            return found[-1].info.run_id
        with _alone(self.lock):
            if found := self.find(PARENT, key):  # another process was faster
                return found[-1].info.run_id
            run = self.client.create_run(
                self.experiment,
                tags={PARENT: key} | {name: where[name] for name in ("data", "variant", "seed")},
                run_name=f"{where['variant']}, seed {where['seed']}",
            )
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

    def log(self, run_id: str, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of one step."""
        from mlflow.entities import Metric

        self.client.log_batch(
            run_id, metrics=[Metric(key, value, _now(), step) for key, value in metrics.items()]
        )

    def complete(self, record: Record, folder: Path) -> bool:
        """Adds to a record's run what it lacks; whether anything was missing."""
        found = self.find(RUN_ID, record.run_id)
        if found and found[0].data.tags.get("complete") == "yes":
            return False
        run_id = self.run_of(record)
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
            self.log(run_id, metrics, step)
        for path in sorted(folder.iterdir()):
            if path.suffix in SHOWN and path.name != "curve_by_step.csv":
                self.client.log_artifact(run_id, str(path))
        if (folder / "model.keras").exists():
            self._log_model(run_id, folder / "model.keras")
        self.client.set_tag(run_id, "complete", "yes")
        self.client.set_terminated(run_id)
        return True

    def _log_model(self, run_id: str, path: Path) -> None:
        """The model, loadable with mlflow.keras.load_model where scanline can be imported."""
        import mlflow

        from scanline.models.loading import load_model

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
def _alone(lock: Path) -> Iterator[None]:
    """The writers of one results folder take turns, where its file system can lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    turn = FileLock(lock)
    with suppress(OSError, NotImplementedError):
        turn.acquire()
    try:
        yield
    finally:
        turn.release()


def _is_current(run) -> bool:
    return "superseded_by" not in run.data.tags


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:150]


def _now() -> int:
    from time import time

    return int(time() * 1000)
