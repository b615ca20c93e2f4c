"""The workflow as Snakemake reads it: plans, lint, rules and scripts; test_reruns.py runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

from study_copy import ROOT, copy_project


def test_plans_work_before_any_data_exists(tmp_path):
    study = copy_project(tmp_path / "project")
    shutil.rmtree(study.folder / "digits")
    study.configure(datasets={"smoke": {"source": "mnist"}})
    assert study.planned()["fetch"] == 1
    assert "train_classifier" in study.snakemake("--rulegraph")
    assert "gru-2x8" in study.snakemake("--summary")


def test_tasks_without_variants_are_left_out(tmp_path):
    study = copy_project(tmp_path / "project")
    none: dict = {"variants": []}
    study.configure(classify=none, complete=none, inpaint=none, posterior=none)
    assert set(study.planned()) == {
        *("open_tracking", "binarise", "train_predictor", "score_predictor"),
        *("demonstrate_cells", "draw_cells", "draw_curves", "make_tables", "write_report"),
    }


def test_a_wrong_config_is_refused_in_one_line(tmp_path):
    study = copy_project(tmp_path / "project")
    study.configure(variants={"gru-8": {"units": 0}})
    told = study.snakemake("--dry-run", "--cores", "1", check=False)
    assert "variants.gru-8.units is 0; allowed: at least 1, at most 512" in told
    assert "Traceback" not in told


def test_lint_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_each_rule_runs_the_script_of_its_name():
    rules = {
        line.split()[1].rstrip(":")
        for file in Path(ROOT / "workflow/rules").glob("*.smk")
        for line in file.read_text().splitlines()
        if line.startswith("rule ")
    }
    scripts = {path.stem for path in (ROOT / "src").glob("*.py")}
    assert scripts == rules - {"open_tracking", "all", "trainings"}
