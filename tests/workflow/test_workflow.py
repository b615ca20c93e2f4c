"""The workflow as Snakemake reads it: plans, lint and rules; test_whole_study.py runs it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
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
    tasks = ("classify", "look_ahead", "complete", "sample", "inpaint", "posterior")
    study.configure(**dict.fromkeys(tasks, none))
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


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("smoke/predict/gru-256", "the variant is 'gru-256'; allowed: .*; did you mean gru-"),
        ("digits/predict/gru-8", "the data set is 'digits'; allowed: "),
        (
            "smoke/guess/gru-8",
            "the task is 'guess'; allowed: classify, predict, look_ahead, complete, ",
        ),
    ],
)
def test_an_unknown_target_is_refused_in_one_line(tmp_path, place, told):
    study = copy_project(tmp_path / "project")
    target = f"results/{place}/seed-1/train/model.keras"
    said = study.snakemake("--dry-run", "--cores", "1", target, check=False)
    (line,) = (line for line in said.splitlines() if line.startswith(target))
    assert re.search(told, line)
    assert "Traceback" not in said


def test_containers_that_no_rule_names_are_refused_in_one_line(tmp_path):
    study = copy_project(tmp_path / "project")
    said = study.snakemake("--dry-run", "--cores", "1", "--sdm", "apptainer", check=False)
    assert "the rules name no container, so --sdm apptainer would run them outside" in said
    assert "Traceback" not in said


def test_a_variant_that_no_task_names_is_told(tmp_path):
    study = copy_project(tmp_path / "project")
    study.configure(variants={"my-gru": {"cell": "gru", "units": 24, "layers": 1}})
    told = "variants.my-gru is in no task, so the study does not train it; name it in "
    said = study.snakemake("--dry-run", "--cores", "1")
    assert said.count(told) == 1
    assert "variants.gru-8 is" not in said


def test_images_by_class_are_drawn_of_variants_that_read_labels_alone(tmp_path):
    study = copy_project(tmp_path / "project")
    labelled = {"cell": "gru", "units": 8, "layers": 1, "labels": True}
    three = {"variants": ["gru-8", "gru-2x8", "mine"]}
    tasks = {"predict": three, "sample": three}
    study.configure(variants={"mine": labelled}, **tasks)
    target = "results/smoke/figures/images/run.json"
    plan = study.snakemake("--dry-run", "--cores", "1", target)
    assert set(re.findall(r"figure-images-by-class-([a-z0-9-]+)\.png", plan)) == {"mine"}


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
    assert scripts == rules - {"open_tracking", "keep_config", "all", "trainings"}
