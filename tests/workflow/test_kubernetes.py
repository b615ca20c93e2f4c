"""profiles/kubernetes: it plans the study, and a Job that is stopped is tried again.

No Kubernetes is here: tests/helpers/kubectl.py runs the Jobs on this machine.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kubectl import ALONE
from study_copy import ROOT, Study, copy_project

PROFILE = "profiles/kubernetes"
BY_KUBERNETES = ["--workflow-profile", PROFILE]
LONG = {"epochs": 60, "batch_size": 4, "train_images": 48}  # long enough to be stopped in
TRAIN = "results/smoke/predict/gru-8/seed-1/train"
PATIENCE = 600.0  # seconds on a busy machine; a tenth of it is needed


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> tuple[Study, str]:
    """The smoke study, and its plan by the profile."""
    study = copy_project(tmp_path_factory.mktemp("plan") / "project")
    return study, study.snakemake("--dry-run", *BY_KUBERNETES)


def resources_of(plan: str, rule: str) -> dict[str, int]:
    """What the plan's first job of a rule asks for, as numbers."""
    (line,) = re.findall(rf"rule {rule}:\n(?:    .+\n)*?    resources: (.+)\n", plan)[:1]
    pairs = (word.split("=") for word in line.split(", "))
    return {name: int(value) for name, value in pairs if value.isdigit()}


def test_a_dry_run_plans_the_whole_study(plan):
    study, text = plan
    assert study.planned(*BY_KUBERNETES) == study.planned()
    for rule in ("train_classifier", "train_predictor", "train_look_ahead"):
        wanted = {"gpu": 1, "mem_mb": 4000, "runtime": 1440}
        assert wanted.items() <= resources_of(text, rule).items()
    for rule in ("binarise", "sample_completions", "score_predictor"):
        wanted = {"gpu": 0, "mem_mb": 2500, "runtime": 20}
        assert wanted.items() <= resources_of(text, rule).items()


@pytest.mark.parametrize("gpus", [0, 1])
def test_a_job_holds_what_its_rule_asks_for(gpus):
    spec = importlib.util.spec_from_file_location("submit", ROOT / PROFILE / "submit.py")
    submit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(submit)
    asked = {"rule": "train_predictor", "cores": 2, "mem_mb": 4000, "minutes": 3}
    job = submit.job_of("/study/job.sh", gpus=gpus, **asked)
    assert job["metadata"]["generateName"] == "scanline-train-predictor-"
    assert job["spec"]["activeDeadlineSeconds"] == 180
    pod = job["spec"]["template"]["spec"]
    (container,), (volume,) = pod["containers"], pod["volumes"]
    assert container["command"][-1] == "/study/job.sh"
    limits = {"memory": "4000M"} | ({"nvidia.com/gpu": "1"} if gpus else {})
    assert container["resources"] == {"requests": {"cpu": "2"}, "limits": limits}
    # The project lies on the volume, so checkpoints do.
    (mount,) = container["volumeMounts"]
    assert volume["name"] == mount["name"]
    assert "persistentVolumeClaim" in volume
    assert Path(container["workingDir"]).is_relative_to(mount["mountPath"])


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Path:
    """The folder of the Jobs that kubectl, found on the PATH, runs."""
    alone = subprocess.run([*ALONE, "true"], capture_output=True)
    if os.geteuid() != 0 or alone.returncode != 0:
        pytest.skip("only root can give a Job its own processes, and not in every container")
    program = tmp_path / "bin/kubectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/helpers/kubectl.py "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KUBECTL_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


def test_a_deleted_training_is_tried_again_from_its_checkpoint(cluster, tmp_path):
    study = copy_project(tmp_path / "project")
    long = [{"variants": ["gru-8"], "training": LONG}]
    study.configure(tracking="none", predict={"exceptions": long})
    study.snakemake("--cores", "1", "results/smoke/pixels/run.json")  # so that it is the one Job
    study.edit(f"{PROFILE}/job.yaml", "workingDir: /study", f"workingDir: {study.folder}")
    command = [sys.executable, "-m", "snakemake", "--configfile", "smoke.yaml", *BY_KUBERNETES]
    command += ["--seconds-between-status-checks", "1", f"{TRAIN}/model.keras"]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command,
            cwd=study.folder,
            env=os.environ | {"PYTHONPATH": ""},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    said, until = tmp_path / "log", time.monotonic() + PATIENCE
    try:
        while not any((study.folder / "results/checkpoints").rglob("step-*.npz")):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.05)
        (stopped,) = cluster.glob("scanline-train-*")
        subprocess.run(["profiles/kubernetes/cancel", f"job.batch/{stopped.name}"], cwd=ROOT)
        assert process.wait(until - time.monotonic()) == 0, said.read_text()
    finally:
        process.kill()
        process.wait()
    (again,) = set(cluster.glob("scanline-train-*")) - {stopped}
    told = re.search(r"stopped by SIGTERM after step (\d+)", (stopped / "log").read_text())
    assert told, (stopped / "log").read_text()
    assert f"step {told[1]}: goes on from its checkpoint" in (again / "log").read_text()
    memory = [
        json.loads((job / "job.json").read_text())["spec"]["template"]["spec"]["containers"][0][
            "resources"
        ]["limits"]["memory"]
        for job in (stopped, again)
    ]
    assert memory == ["4000M", "8000M"]
    assert (study.folder / TRAIN / "model.keras").exists()
    assert not list((study.folder / "results/checkpoints").rglob("*.npz*"))
