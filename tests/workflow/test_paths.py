"""Any path that a user may set works as it is written, and nothing in it is run."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import warm_python
import yaml
from refusals import held
from study_copy import ROOT, copy_project

from scanline.study.config import validate

HOSTILE = """mä; touch pwned; $(touch pwned) `touch pwned` "it's" & true"""
# Quoted where they are made.
FLAGS = {
    f"params.{name}"
    for name in ("settings", "test", "classifier", "look_ahead", "optional", "play")
}


def test_every_value_in_a_rule_is_quoted():
    shells = [
        shell
        for file in [*(ROOT / "workflow/rules").glob("*.smk"), ROOT / "Snakefile"]
        for shell in re.findall(r'shell(?::\n|\()((?:\s*"[^\n]*\n?)+)', file.read_text())
    ]
    fields = [field for shell in shells for field in re.findall(r"(?<!\{)\{([^{}]+)\}", shell)]
    assert len(shells) > 25
    assert len(fields) > 100
    assert {field for field in fields if not field.endswith(":q")} <= FLAGS
    assert not [shell for shell in shells if "$" in shell]  # nothing is left to the shell


def test_a_study_of_odd_paths(tmp_path):
    study = copy_project(tmp_path / "mein 'project'")
    for name in ("results", "downloads", "source"):
        (study.folder / f"{name} {HOSTILE}").mkdir()
    (study.folder / "digits").rename(study.folder / f"source {HOSTILE}/digits")
    results = f"results {HOSTILE}/of mine"
    study.configure(
        results=results,
        downloads=f"downloads {HOSTILE}",
        datasets={"smoke": {"source": f"source {HOSTILE}/digits"}},
    )
    target = f"{results}/smoke/predict/gru-8/seed-1/score/scores.csv"
    said = study.snakemake("--cores", "1", target)
    assert (study.folder / target).is_file()
    assert (study.folder / results / "mlflow/mlflow.db").is_file()
    assert "tracking: 3 stages sent to" in said
    assert study.planned(target) == {}
    assert json.loads((study.folder / results / "config.json").read_text())["results"] == results
    assert not list(tmp_path.rglob("pwned"))
    done = study.python("workflow/scripts/list_runs.py", "--results", results)
    assert done.returncode == 0


def test_a_project_that_is_only_read_runs_elsewhere(tmp_path):
    project = copy_project(tmp_path / "a clone").folder
    work = tmp_path / "at work"
    work.mkdir()
    (project / "digits").rename(work / "digits")
    before = held(project)
    words = ["-s", project / "Snakefile", "--directory", work, "--cores", "1"]
    words += ["results/smoke/pixels/run.json", "--configfile", project / "smoke.yaml"]
    done = subprocess.run(
        [warm_python.python(), "-m", "snakemake", *map(str, words)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (work / "results/smoke/pixels/train.npz").is_file()
    assert (work / "results/plan.json").is_file()
    assert held(project) == before


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.mark.parametrize("key", ["results", "downloads", "source"])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("a\nb", r"the character '\n'"),
        ("a\0b", r"the character '\x00'"),
        ("a{b}", "the character '{'"),
        ("what?", "the character '?'"),
        ("-rf", "- at its start"),
    ],
)
def test_what_no_path_needs_is_refused(config, key, path, told):
    if key == "source":
        config["datasets"]["mnist-bernoulli"]["source"] = path
        key = "datasets.mnist-bernoulli.source"
    else:
        config[key] = path
    with pytest.raises(ValueError, match=re.escape(f"{key} is {path!r}, with {told}; allowed is")):
        validate(config)


@pytest.mark.parametrize(
    ("target", "script"),
    [
        ("track", "track_results"),
        ("runs", "list_runs"),
        ("verify", "verify_results"),
        ("publish", "publish_results"),
        ("ui", "browse_runs"),
    ],
)
def test_make_hands_any_folder_on_as_one_word(tmp_path, target, script):
    project = prepared(tmp_path)
    folder = f"{HOSTILE} $(shell touch pwned)"
    done = subprocess.run(
        ["make", "--silent", target, f"RESULTS={folder}"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.rstrip("\0\n").split("\0")
    assert words == [f"workflow/scripts/{script}.py", "--results", folder]
    assert not (project / "pwned").exists()


def prepared(folder: Path) -> Path:
    """A project whose environment's Python says what it is called with."""
    project = folder / "my project"
    (project / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "compiler.lock"):
        (project / name).write_bytes((ROOT / name).read_bytes())
    python = project / ".venv/bin/python"
    python.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    python.chmod(0o755)
    ready = project / ".venv/.ready"
    ready.touch()
    later = os.stat(project / "requirements.lock").st_mtime + 60
    os.utime(ready, (later, later))
    return project
