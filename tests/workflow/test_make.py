"""Which Python ``make`` accepts, what it shows of a study, and what it checks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from study_copy import copy_project

ROOT = Path(__file__).parents[2]
OTHER = """#!/bin/sh
exec {python} -c 'import sys; sys.version = "{version}"
sys.version_info = tuple(map(int, sys.version.split(".")))
exec(sys.argv[1])' "$2"
"""


@pytest.mark.parametrize("version", ["3.10.14", "3.14.0"])
def test_another_python_is_refused_in_one_line(tmp_path, version):
    python = tmp_path / "python"
    python.write_text(OTHER.format(python=sys.executable, version=version))
    python.chmod(0o755)
    for name in ("Makefile", "requirements.lock", "compiler.lock"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "run", f"PYTHON={python}"]
    # Under `make test`, make would take this one for its child and say so.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert done.returncode
    first, *rest = done.stderr.splitlines()
    assert first == (
        f"scanline needs Python 3.11, 3.12 or 3.13; {python} is {version}. "
        "Name another, for example: make PYTHON=python3.13 run"
    )
    assert all(line.startswith("make") for line in rest)
    assert done.stdout == ""
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("target", "quiet"),
    [
        *(("run", "1"), ("study", "1"), ("report", "1"), ("run VERBOSE=1", "")),
        *(("test", ""), ("cluster-test", ""), ("check", "")),
    ],
)
def test_only_a_study_that_make_runs_is_quiet(target, quiet):
    """The tests read what jobs say. Under -n make runs no line but one that begins with +."""
    probe = [f"--eval={target.split()[0]}: probe", "--eval=probe: ; +@echo [$$SCANLINE_QUIET]"]
    command = ["make", "--dry-run", "-f", str(ROOT / "Makefile"), *probe, *target.split()]
    kept = ("MAKE", "SCANLINE_QUIET")
    alone = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    assert f"[{quiet}]" in done.stdout.splitlines()


@pytest.mark.parametrize("made_in", ["my project", "elsewhere"])
def test_an_environment_that_was_moved_is_made_anew(tmp_path, made_in):
    """``venv`` notes its command; make only says here what it would do."""
    project = tmp_path / "my project"
    (project / ".venv").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "compiler.lock"):
        shutil.copy(ROOT / name, project)
    made = f"command = /usr/bin/python3 -m venv --clear {tmp_path}/{made_in}/.venv\n"
    (project / ".venv/pyvenv.cfg").write_text(made)
    (project / ".venv/.ready").touch()
    command = ["make", "--dry-run", "env"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert ("rm -rf .venv\n" in done.stdout) == (made_in == "elsewhere"), done.stdout
    assert ("Nothing to be done" in done.stdout) == (made_in == "my project")


def test_a_report_of_untrained_models_is_refused_with_their_names(tmp_path):
    study = copy_project(tmp_path / "project")
    study.configure(results="my results")
    study.snakemake("--cores", "1", "my results/config.json")

    def refused(results: str) -> str:
        done = study.python("workflow/scripts/refuse_trainings.py", "--results", results)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        return line

    told = refused("my results")
    assert told.startswith("refuse_trainings: the report of my results (smoke) needs 5 models that")
    trained = ("classify/lstm-8", "classify/gru-8", "predict/gru-8", "predict/gru-2x8")
    for model in (*trained, "look_ahead/gru-8"):
        assert f"my results/smoke/{model}/seed-1/train" in told
    assert told.endswith("`snakemake --cores 1 --configfile 'my results/config.json'` trains them")
    assert not (study.folder / "my results/smoke").exists()
    assert "results/config.json is missing, in which a study keeps its config" in refused("results")
    (study.folder / "my results").rename(study.folder / "moved")
    assert "the study in moved was run with results: my results, where it is no" in refused("moved")


def test_a_study_shows_its_progress_and_a_refusal_but_not_each_job_s_words(tmp_path, monkeypatch):
    """As ``make run`` calls Snakemake, by its own variables."""
    study = copy_project(tmp_path / "project")
    show = "--eval=show: ; @echo $(SNAKEMAKE)"
    asked = ["make", "-s", "-f", str(ROOT / "Makefile"), show, "show"]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    words = subprocess.check_output(asked, cwd=ROOT, env=alone, text=True).split()
    command = ["-m", *words, "--configfile", "smoke.yaml", "--until", "binarise"]
    monkeypatch.setenv("SCANLINE_QUIET", "1")

    def shown() -> str:
        done = study.python(*command)
        return done.stderr + done.stdout

    progress = shown()
    log = (study.folder / "results/logs/binarise/smoke.log").read_text()
    assert " % ink" in log
    assert " % ink" not in progress
    assert "Workflow Finished" in progress
    assert len(progress) < 4000  # the job's input and output alone would be 1,000 more
    labels = study.folder / "digits/train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    assert "it is truncated" in shown()


def test_make_check_looks_at_every_file_of_code():
    """None is left out because its name begins as a folder of results does."""
    command = ["ruff", "check", "--show-files", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    looked_at = {Path(line) for line in done.stdout.splitlines()}
    code = {
        path
        for folder in ("src", "workflow", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert ROOT / "src/scanline/report/results.py" in code <= looked_at
