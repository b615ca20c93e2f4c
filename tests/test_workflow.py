"""The real workflow on a small study: it runs, finds nothing to do, and reruns what is stale alone.

The tests share one study, run once; each of them leaves it as it found it, or works on a copy.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from study_copy import ROOT, Study, copy_project

TRAININGS = {"train_classifier": 2, "train_predictor": 2}
SCORES = {"score_classifier": 2, "score_predictor": 2}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Study:
    """The small study, run to its end."""
    study = copy_project(tmp_path_factory.mktemp("workflow") / "project")
    study.snakemake("--cores", "2")
    return study


@pytest.fixture
def copied(finished, tmp_path) -> Study:
    """A copy of the finished study that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2, symlinks=True)
    return Study(folder)


def test_plans_work_before_any_data_exists(tmp_path):
    study = copy_project(tmp_path / "project")
    shutil.rmtree(study.folder / "digits")
    study.configure(datasets={"smoke": {"source": "mnist"}})
    assert study.planned()["fetch"] == 1
    assert "train_classifier" in study.snakemake("--rulegraph")
    assert "gru-2x8" in study.snakemake("--summary")


def test_the_study_writes_the_report(finished):
    report = finished.folder / "results/smoke/report/report.html"
    assert "gru-2x8" in report.read_text()


def test_every_stage_leaves_a_record(finished):
    records = list((finished.folder / "results/smoke").rglob("run.json"))
    scripts = Counter(json.loads(path.read_text())["script"] for path in records)
    assert scripts["train_classifier"] == 2
    assert scripts["sample_completions"] == 2
    assert scripts["infer_patches"] == 1
    assert scripts["evaluate_posterior"] == scripts["calibrate_posterior"] == 1
    assert not list((finished.folder / "results").rglob(".partial-*"))


def test_a_second_run_finds_nothing_to_do(finished):
    assert finished.planned() == {}


def test_touching_every_source_reruns_nothing(copied):
    for part in ("src", "workflow", "Snakefile", "config.yaml", "digits", "results/smoke/pixels"):
        path = copied.folder / part
        for file in [path] if path.is_file() else path.rglob("*"):
            os.utime(file)
    assert copied.planned() == {}


def test_a_fresh_clone_with_the_same_results_reruns_nothing(finished, tmp_path):
    clone = copy_project(tmp_path / "clone")
    shutil.copytree(
        finished.folder / "results", clone.folder / "results", copy_function=shutil.copy2
    )
    shutil.copytree(
        finished.folder / "digits",
        clone.folder / "digits",
        copy_function=shutil.copy2,
        dirs_exist_ok=True,
    )
    assert clone.planned() == {}


def test_a_comment_or_a_docstring_reruns_nothing(copied):
    for module in ("recurrent", "sampling"):
        file = copied.folder / f"src/scanline/{module}.py"
        opening, rest = file.read_text().split('"""', 1)
        file.write_text(f'{opening}"""Read this first. {rest}\n# A remark at the end.\n')
    assert copied.planned() == {}


def test_an_edited_sampling_module_samples_again_and_trains_nothing(copied):
    with open(copied.folder / "src/scanline/sampling.py", "a") as file:
        file.write("\nNEW = 1\n")
    plan = copied.planned()
    assert plan["sample_completions"] == 2
    assert plan["score_completions"] == 2
    assert plan["write_report"] == 1
    assert not plan.keys() & {*TRAININGS, "binarise", "infer_patches"}


def test_an_edited_sequential_monte_carlo_fills_holes_again_and_trains_nothing(copied):
    with open(copied.folder / "src/scanline/smc.py", "a") as file:
        file.write("\nNEW = 1\n")
    plan = copied.planned()
    for rule in ("evaluate_posterior", "calibrate_posterior", "tabulate_posterior", "write_report"):
        assert plan[rule] == 1
    assert not plan.keys() & {*TRAININGS, "sample_completions", "hide_holes", "infer_patches"}


def test_an_edited_recurrent_core_trains_again(copied):
    with open(copied.folder / "src/scanline/recurrent.py", "a") as file:
        file.write("\nNEW = 1\n")
    assert copied.planned().items() >= TRAININGS.items()


def test_watchers_change_no_result(copied):
    for module in ("tracking", "record", "command", "progress"):
        with open(copied.folder / f"src/scanline/{module}.py", "a") as file:
            file.write("\nNEW = 1\n")
    assert copied.planned() == {}


def test_one_variant_s_epochs_train_that_variant_alone(copied):
    copied.configure(predict={"exceptions": [{"variants": ["gru-8"], "training": {"epochs": 2}}]})
    plan = copied.planned()
    assert plan["train_predictor"] == 1
    assert plan["sample_completions"] == 1
    assert plan["infer_patches"] == 1
    assert "train_classifier" not in plan


def test_an_added_variant_is_trained_alone(copied):
    copied.configure(
        variants={"gru-9": {"cell": "gru", "units": 9, "layers": 1}},
        predict={"variants": ["gru-8", "gru-2x8", "gru-9"]},
    )
    plan = copied.planned()
    assert plan["train_predictor"] == 1
    assert plan["score_predictor"] == 1
    assert plan["write_report"] == 1
    assert not plan.keys() & {"train_classifier", "sample_completions", "infer_patches"}


def test_a_pretrained_model_is_taken_in_place_of_a_training(copied):
    trained = copied.folder / "results/smoke/predict/gru-8/seed-1/train"
    kept = copied.folder / "pretrained/smoke/predict/gru-8/seed-1"
    shutil.copytree(trained, kept)
    (kept / "run.json").rename(kept / "training.json")
    copied.configure(train="pretrained")
    plan = copied.planned()
    assert plan["take_model"] == 1
    assert not plan.keys() & TRAININGS.keys()
    copied.snakemake("--cores", "2", "--quiet")
    assert copied.planned() == {}
    table = pd.read_csv(copied.folder / "results/smoke/tables/table-3.3-predict.csv")
    assert table.groupby("model")["trained"].unique().map(list).to_dict() == {
        "gru-8": ["pretrained"],
        "gru-2x8": ["here"],
    }
    report = (copied.folder / "results/smoke/report/report.html").read_text()
    assert "gru-8 (pretrained)" in report
    assert "gru-2x8 (pretrained)" not in report


def test_another_threshold_reruns_all_after_binarising(copied):
    copied.configure(datasets={"smoke": {"threshold": 0.2}})
    plan = copied.planned()
    assert plan.items() >= (TRAININGS | SCORES | {"binarise": 1, "infer_patches": 1}).items()
    assert "fetch" not in plan


def test_where_and_how_to_run_change_no_result(copied):
    copied.configure(tracking="none", accelerator="cpu", downloads="elsewhere")
    assert copied.planned("--set-threads", "train_classifier=2") == {}
    assert copied.planned("--cores", "2", "--verbose") == {}


def test_another_lock_file_reruns_nothing(copied):
    with open(copied.folder / "requirements.lock", "a") as file:
        file.write("# another\n")
    assert copied.planned() == {}


def test_a_deleted_result_is_made_again_with_its_chain(copied):
    folder = copied.folder / "results/smoke/complete/gru-8/seed-1/samples"
    shutil.rmtree(folder)
    plan = copied.planned()
    assert plan["sample_completions"] == 1
    assert plan["score_completions"] == 1
    assert not plan.keys() & {*TRAININGS, *SCORES, "infer_patches"}


def test_two_swapped_settings_are_noticed(copied):
    copied.configure(complete={"images": 101, "images_seed": 5})
    copied.snakemake("--cores", "2", "--quiet")
    copied.configure(complete={"images": 5, "images_seed": 101})
    assert copied.planned()["hide_pixels"] == 1


def test_lost_metadata_reruns_nothing_and_verify_still_tells(copied):
    shutil.rmtree(copied.folder / ".snakemake")
    assert copied.planned() == {}
    assert _verify(copied).returncode == 0
    copied.configure(predict={"exceptions": [{"variants": ["gru-8"], "training": {"epochs": 2}}]})
    told = _verify(copied)
    assert told.returncode == 1
    assert "results/smoke/predict/gru-8/seed-1/train" in told.stdout + told.stderr


def _verify(study: Study) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "workflow/scripts/verify_results.py", "--configfile", "smoke.yaml"],
        cwd=study.folder,
        capture_output=True,
        text=True,
    )


def test_a_wrong_config_is_refused_in_one_line(copied):
    copied.configure(variants={"gru-8": {"units": 0}})
    told = copied.snakemake("--dry-run", "--cores", "1", check=False)
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
    by_hand = {"complete_image", "export_model"}  # commands for a person, no part of the study
    assert scripts - by_hand == rules - {"open_tracking", "all", "trainings"}
