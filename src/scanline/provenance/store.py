"""The MLflow store behind one study's experiment. Every step can be repeated, and adds what lacks.

A run of MLflow is found by the tag ``scanline.run_id``, which is the record's. A parent run stands
for a data set, variant and seed, a child for a stage; one more has the stages that belong to none,
data, tables and figures. An experiment belongs to one study, which an id in its results folder
names, and on a server to one user.
"""

import getpass
import json
import logging
import os
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from time import time

from filelock import FileLock

from scanline.catalogue import LOOK_AHEAD
from scanline.files import unused
from scanline.layout import DEPTH
from scanline.models.counting import n_parameters_in
from scanline.provenance.record import Record
from scanline.provenance.registry import log_model
from scanline.provenance.summary import (
    VARIANT,
    Summary,
    metrics_of,
    milliseconds,
    params_of,
    training_of_taken,
    where_of,
)
from scanline.study.environment import ADDRESS, masked

RUN_ID, FOLDER, PARENT = "scanline.run_id", "scanline.folder", "scanline.parent"
STARTED = "scanline.started"  # when the stage did; of a model that was taken the run's start is not
REST = "data, tables and figures"  # the parent of stages without a variant
STUDY = "scanline.study"  # the tag of an experiment
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
        draft = unused(path.with_name(f".{path.name}."))
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
        self.owner = who = study if local else f"{study} of {_user()}"
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
        taken = training_of_taken(record)
        began, started = milliseconds(taken or record), milliseconds(record)
        if found := self.find(RUN_ID, record.run_id):
            run_id = found[0].info.run_id
        else:
            tags = {RUN_ID: record.run_id, FOLDER: folder, STARTED: str(started)}
            name = _name_of(where, folder)
            run_id = self.client.create_run(self.experiment, began, tags, name).info.run_id
        older = [
            run
            for run in sorted(self.find(FOLDER, folder), key=_started, reverse=True)
            if run.info.run_id != run_id
            and _started(run) <= started
            and run.data.tags.get("superseded_by", run_id) == run_id
        ]
        tags = {
            "script": record.script,
            "code_sha256": record.code_sha256,
            "mlflow.source.name": f"src/{record.script}.py",
            **where,
            **{name: str(value) for name, value in record.environment.items()},
        }
        tags["mlflow.parentRunId"] = self._parent(where, began)
        if taken:
            tags["taken"] = "yes"
        if older:
            tags["supersedes"] = older[0].info.run_id
        params = params_of(record)
        self.client.log_batch(
            run_id,
            params=[Param(key, str(value)[:500]) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        self._log_inputs(run_id, record)
        for run in older:
            self.client.set_tag(run.info.run_id, "superseded_by", run_id)
        return run_id

    def _parent(self, where: Mapping[str, str], began: int) -> str:
        """The parent run of a variant, or of all that has none, made where it lacks."""
        with alone(self.lock):
            if found := self.find(PARENT, _key(where)):
                run = found[-1]
            else:
                run = self._new_parent(where, began)
            if run.info.status == "RUNNING":
                self.client.set_terminated(run.info.run_id)
        return run.info.run_id

    def _new_parent(self, where: Mapping[str, str], began: int):
        key, tags = _key(where), {name: where[name] for name in VARIANT if where}
        name = _name_of(where) if where else REST
        return self.client.create_run(self.experiment, began, {PARENT: key} | tags, name)

    def summarise(self, summary: Summary) -> None:
        """Makes a variant's parent run say what its trainings and scores come to.

        MLflow changes neither a run's params nor its start: where they no longer hold, a new parent
        gets the children.
        """
        from mlflow.entities import Param

        with alone(self.lock):
            found = self.find(PARENT, _key(summary.where))
            holding = [run for run in found if _holds(summary, run)]
            run = holding[0] if holding else self._new_parent(summary.where, summary.began)
            for older in found:
                if older is not run:
                    self._hand_over(older, run)
        run_id, known = run.info.run_id, run.data.params
        params = {name: value for name, value in summary.params.items() if name not in known}
        for task, path in summary.models.items():
            if (name := f"{task}/parameters") not in known:
                params[name] = str(n_parameters_in(path))
        if params:
            self.client.log_batch(run_id, params=[Param(*pair) for pair in params.items()])
        told = run.data.metrics
        if new := {name: v for name, v in summary.metrics.items() if told.get(name) != v}:
            self.log(run_id, new, 0)
        if summary.taken and "taken" not in run.data.tags:
            self.client.set_tag(run_id, "taken", "yes")
        if run.info.end_time != summary.ended:
            self.client.set_terminated(run_id, "FINISHED", summary.ended)

    def _hand_over(self, older, newer) -> None:
        """Gives a parent's children to another one, and deletes it."""
        of_older = f"tags.`mlflow.parentRunId` = '{older.info.run_id}'"
        for child in self.client.search_runs([self.experiment], of_older):
            self.client.set_tag(child.info.run_id, "mlflow.parentRunId", newer.info.run_id)
        self.client.delete_run(older.info.run_id)

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
        self,
        run_id: str,
        metrics: Mapping[str, float],
        step: int,
        when: int | None = None,
        model_id: str | None = None,
    ) -> None:
        """Metrics of one step, now, or at a time in milliseconds; of a model, too, by its id."""
        from mlflow.entities import Metric

        at = int(time() * 1000) if when is None else when
        told = [Metric(name, value, at, step, model_id) for name, value in metrics.items()]
        self.client.log_batch(run_id, metrics=told)

    def complete(self, record: Record, folder: Path) -> tuple[str, bool]:
        """Adds to a record's run what it lacks; its id, and whether anything was missing."""
        found = self.find(RUN_ID, record.run_id)
        if found and found[0].data.tags.get("complete") == "yes":
            return found[0].info.run_id, False
        run_id = self.run_of(record)
        work = training_of_taken(record) or record
        ended = milliseconds(work) + int(work.seconds * 1000)
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
        if (folder / "model.keras").exists() and where_of(record)["task"] != LOOK_AHEAD:
            log_model(self, run_id, folder / "model.keras")
        self.client.set_terminated(run_id, "FINISHED", ended)
        self.client.set_tag(run_id, "complete", "yes")
        return run_id, True


def _key(where: Mapping[str, str]) -> str:
    """What a variant's parent run is found by, or that of all that has none."""
    return "/".join(where[name] for name in VARIANT) if where else REST


def _name_of(where: Mapping[str, str], folder: str = "") -> str:
    """A run's name, the more telling words first: of a variant, or of a stage by its folder."""
    parts = Path(folder).parts
    if not where:
        return ", ".join(reversed(parts))
    stage = " ".join(part for part in parts[DEPTH:] if part != "train")
    names = [where["variant"], f"seed {where['seed']}", where["data"]]
    if folder:
        names.insert(2, f"{where['task']} {stage}".rstrip())
    return ", ".join(names)


def _started(run) -> int:
    """When a run's stage started, milliseconds since 1970."""
    return int(run.data.tags.get(STARTED, run.info.start_time))


def _holds(summary: Summary, run) -> bool:
    """Whether nothing that cannot be changed in a parent run contradicts the summary."""
    params = run.data.params
    same = (params.get(name, value) == value for name, value in summary.params.items())
    return run.info.start_time == summary.began and all(same)


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
        opened.execute(
            "UPDATE model_versions SET storage_location = :new || substr(storage_location, "
            "length(:old) + 1) WHERE substr(storage_location, 1, length(:old)) = :old",
            given,
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())
