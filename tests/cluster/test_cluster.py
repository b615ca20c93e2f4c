"""The smoke study on a real Slurm cluster by profiles/slurm: one training is killed, one preempted.

Run by `make cluster-test`; `make test` leaves this folder out.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import h5py
import numpy as np
import pytest
from slurm import GPUS, cluster, missing, slurm
from study_copy import Study, copy_project

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

# What this cluster has otherwise than the profile says: no accounting, and jobs of seconds.
BY_SLURM = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"]
BY_SLURM += ["--slurm-init-seconds-before-status-checks", "5"]
MINUTES = 40  # that a run may take on a busy machine; a fifth of it is needed

# One model of each kind, and no holes filled: each job starts Python three times.
KILLED, PREEMPTED = "classify/gru-8", "predict/gru-2x8"
FEW = {
    "classify": {"variants": ["gru-8"]},
    "predict": {"variants": ["gru-2x8"]},
    "complete": {"variants": ["gru-2x8"], "hidden_runs": [10]},
    "inpaint": {"variants": []},
    "posterior": {"variants": []},
}
# Some ten seconds: far longer than it takes to see a checkpoint and to halt the training.
LONG = {"batch_size": 4, "train_images": 48, "epochs": 60}
MODELS = [f"results/smoke/{name}/seed-1/train/model.keras" for name in (KILLED, PREEMPTED)]


@dataclass
class Story:
    """What happened to a run of the study on the cluster."""

    jobs: dict[str, dict[str, str]] = field(default_factory=dict)  # by Slurm's id: scontrol's words
    gpus: list[int] = field(default_factory=list)  # held, at each look
    asked: list[int] = field(default_factory=list)  # held or waited for, at each look
    stopped_after: dict[str, int] = field(default_factory=dict)  # steps, by training

    def observe(self) -> None:
        """Reads the queue once."""
        lines = slurm("scontrol", "show", "jobs", "--details", "--oneliner").splitlines()
        now = [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines if "JobId=" in line]
        self.jobs |= {job["JobId"]: job for job in now}
        self.gpus.append(sum(_count(job.get("GRES", "")) for job in now))
        alive = [job for job in now if job["JobState"] in ("PENDING", "RUNNING", "COMPLETING")]
        self.asked.append(sum(_count(job.get("TresPerJob", "")) for job in alive))

    def of(self, training: str) -> list[dict[str, str]]:
        """A training's jobs, the oldest first."""
        rule, variant = _rule_of(training)
        comment = f"rule_{rule}_wildcards_smoke_{variant}_1"
        return [job for job in self.jobs.values() if job.get("Comment") == comment]


def _rule_of(training: str) -> tuple[str, str]:
    task, variant = training.split("/")
    return {"classify": "train_classifier", "predict": "train_predictor"}[task], variant


def _count(gpus: str) -> int:
    """How many GPUs Slurm's words name: gres:gpu:1 asked for, gpu:2(IDX:0-1) held."""
    found = re.search(r"gpu:(\d+)", gpus)
    return int(found[1]) if found else 0


def _run(study: Study, arguments: list[str], watch: Callable[[], None]) -> None:
    """Runs Snakemake to its end on the cluster, and calls ``watch`` all the while."""
    log = study.folder / "snakemake.log"
    command = [sys.executable, "-m", "snakemake", "--configfile", "smoke.yaml", *BY_SLURM]
    with open(log, "w") as out:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=study.folder,
            env=os.environ | {"PYTHONPATH": ""},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60 * MINUTES
        while process.poll() is None and time.monotonic() < deadline:
            watch()
            time.sleep(0.5)
    finally:
        if timed_out := process.poll() is None:
            process.kill()
            process.wait()
    assert not timed_out, f"not done after {MINUTES} minutes\n{log.read_text()}"
    assert process.returncode == 0, log.read_text()


def _log(study: Study, training: str) -> str:
    rule, variant = _rule_of(training)
    path = study.folder / f"results/logs/{rule}/smoke-{variant}-1.log"
    return path.read_text() if path.exists() else ""


class Trouble:
    """Kills one training with scancel, then preempts the other, each after its first checkpoint.

    From that checkpoint on it stands still, so that it does not end before, however busy the
    machine is. Slurm lets it go on (SIGCONT) when it tells it to stop.
    """

    def __init__(self, study: Study):
        self.study, self.story = study, Story()
        self.script = self._script()

    def __call__(self) -> None:
        self.story.observe()
        next(self.script, None)

    def _script(self) -> Iterator[None]:
        moving = {KILLED, PREEMPTED}
        while moving:
            for training in [each for each in moving if self._has_checkpoint(each)]:
                slurm("scancel", "--signal=STOP", self.story.of(training)[0]["JobId"])
                moving.remove(training)
            yield
        slurm("scancel", self.story.of(KILLED)[0]["JobId"])
        while not self._told_to_stop(KILLED):
            yield
        urgent = ["--partition=urgent", f"--gres=gpu:{GPUS}", "--output=/dev/null"]
        slurm("sbatch", *urgent, "--wrap=sleep 3")
        while not self._told_to_stop(PREEMPTED):
            yield
        (job,) = self.story.of(PREEMPTED)
        while self.story.jobs[job["JobId"]]["JobState"] != "PENDING":
            yield
        # Slurm lets a requeued job wait for two minutes.
        slurm("scontrol", "update", f"JobId={job['JobId']}", "StartTime=now")

    def _has_checkpoint(self, training: str) -> bool:
        folder = f"smoke_{training.replace('/', '_')}_seed-1_train"
        return any((self.study.folder / "results/checkpoints" / folder).rglob("step-*.npz"))

    def _told_to_stop(self, training: str) -> bool:
        told = re.search(r"stopped by SIGTERM after step (\d+)", _log(self.study, training))
        if told:
            self.story.stopped_after[training] = int(told[1])
        return bool(told)


@pytest.fixture(scope="module", autouse=True)
def running(tmp_path_factory) -> Iterator[None]:
    with cluster(tmp_path_factory.mktemp("slurm")):
        yield


def _long_study(folder) -> Study:
    study = copy_project(folder)
    study.configure(**FEW)
    for training in (KILLED, PREEMPTED):
        task, variant = training.split("/")
        study.configure(**{task: {"exceptions": [{"variants": [variant], "training": LONG}]}})
    return study


@pytest.fixture(scope="module")
def finished(tmp_path_factory, running) -> tuple[Study, Story]:
    """The smoke study, run by Slurm through both troubles to its end, and what happened."""
    study = _long_study(tmp_path_factory.mktemp("cluster") / "project")
    trouble = Trouble(study)
    _run(study, [], trouble)
    return study, trouble.story


def test_the_study_ends_with_all_outputs_as_recorded(finished):
    study, _ = finished
    assert "gru-2x8" in (study.folder / "results/smoke/report/report.html").read_text()
    verify = [sys.executable, "workflow/scripts/verify_results.py", "--configfile", "smoke.yaml"]
    verified = subprocess.run(verify, cwd=study.folder, capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not list((study.folder / "results").rglob(".partial-*"))
    assert not list((study.folder / "results/checkpoints").rglob("*.npz"))


def test_a_second_run_finds_nothing_to_do(finished):
    study, _ = finished
    assert study.planned() == {}
    assert "Nothing to be done" in study.snakemake("--dry-run", *BY_SLURM)


def test_all_gpus_are_used_and_never_more(finished):
    _, story = finished
    assert max(story.gpus) == GPUS
    trainings = [job for job in story.jobs.values() if "rule_train" in job.get("Comment", "")]
    assert {job.get("TresPerJob") for job in trainings} == {"gres:gpu:1"}
    assert {job["Partition"] for job in trainings} == {"gpu"}


def test_the_rest_stays_off_the_gpus_and_the_tracking_store_off_the_queue(finished):
    _, story = finished
    rules = {job.get("Comment", "").split("_wildcards")[0]: job for job in story.jobs.values()}
    for rule in ("rule_score_predictor", "rule_sample_completions", "rule_write_report"):
        assert rules[rule]["Partition"] == "cpu"
        assert "TresPerJob" not in rules[rule]
    assert "rule_open_tracking" not in rules


def test_a_killed_training_comes_back_with_more_memory(finished):
    _, story = finished
    killed, again = story.of(KILLED)
    assert (killed["JobState"], again["JobState"]) == ("CANCELLED", "COMPLETED")
    memory = [int(job["MinMemoryNode"].removesuffix("M")) for job in (killed, again)]
    assert memory[1] == 2 * memory[0]


def test_a_preempted_training_is_requeued(finished):
    _, story = finished
    (job,) = story.of(PREEMPTED)
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")


@pytest.mark.parametrize("training", [KILLED, PREEMPTED])
def test_a_stopped_training_goes_on_from_where_it_was_told_to_stop(finished, training):
    study, story = finished
    expected = f"step {story.stopped_after[training]}: goes on from its checkpoint"
    assert expected in _log(study, training)


def test_stopped_trainings_end_with_the_weights_of_uninterrupted_ones(finished, tmp_path):
    study, _ = finished
    undisturbed = _long_study(tmp_path / "undisturbed")
    undisturbed.configure(tracking="none")
    undisturbed.snakemake("--cores", "2", *MODELS)
    for model in MODELS:
        there, here = (_weights(each.folder / model) for each in (study, undisturbed))
        assert there.keys() == here.keys()
        for name, values in here.items():
            np.testing.assert_array_equal(there[name], values, err_msg=f"{model}: {name}")


def _weights(model) -> dict[str, np.ndarray]:
    weights: dict[str, np.ndarray] = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()]

    with zipfile.ZipFile(model) as archive:
        content = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(add)
    assert weights
    return weights


def test_the_cap_holds_back_jobs_that_the_cluster_could_run(finished, tmp_path):
    study = Study(tmp_path / "project")
    shutil.copytree(finished[0].folder, study.folder, copy_function=shutil.copy2, symlinks=True)
    anew: dict = {"exceptions": []}  # trained anew, and briefly
    study.configure(tracking="none", classify=anew, predict=anew)
    assert study.planned(*MODELS) == {"train_classifier": 1, "train_predictor": 1}
    story = Story()
    _run(study, [*MODELS, "--resources", "gpu=1"], story.observe)
    assert max(story.asked) == 1
    assert study.planned(*MODELS) == {}
