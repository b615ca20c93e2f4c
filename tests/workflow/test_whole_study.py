"""What a study leaves that ran to its end: records, a plan, and a report; and who may read them."""

import html
import json
import os
import re
import shlex
from collections import Counter

from mlflow import MlflowClient
from whole_study import made_by


def test_the_study_ends_with_a_report_and_a_record_a_stage(finished):
    results = finished.folder / "results"
    report = results / "smoke/report/report.html"
    assert "gru-2x8" in report.read_text()
    (page,) = re.findall(r'href="([^"#]+)"', report.read_text())
    assert (report.parent / page).resolve() == finished.folder / "docs/play/index.html"
    assert (report.parent / page).is_file()
    records = list((results / "smoke").rglob("run.json"))
    scripts = Counter(json.loads(path.read_text())["script"] for path in records)
    assert scripts["train_classifier"] == 2
    assert scripts["sample_completions"] == 2
    assert scripts["infer_patches"] == 1
    assert scripts["fill_holes"] == scripts["score_forecasts"] == 1
    assert scripts["calibrate_posterior"] == 1
    assert not list(results.rglob(".partial-*"))


def test_the_report_tells_the_command_that_writes_a_page_to_play_with(finished):
    report = (finished.folder / "results/smoke/report/report.html").read_text()
    (told,) = re.findall(r"<code>(snakemake .*)</code>", report)
    done = finished.python("-m", *shlex.split(html.unescape(told)), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^write_play +1$", done.stdout + done.stderr, re.MULTILINE)


def test_the_results_are_no_more_private_than_the_user_s_files(finished):
    umask = os.umask(0)
    os.umask(umask)
    written = (finished.folder / "results").rglob("*")
    assert [path for path in written if ~path.stat().st_mode & ~umask & 0o444] == []


def test_the_report_of_a_finished_study_trains_nothing(finished):
    done = finished.python("workflow/scripts/refuse_trainings.py")
    assert (done.returncode, done.stdout) == (0, "the report of results (smoke)\n")


def test_classifiers_and_next_pixel_models_are_registered_and_look_aheads_are_not(finished):
    store = f"sqlite:///{finished.folder}/results/mlflow/mlflow.db"
    registered = MlflowClient(tracking_uri=store).search_registered_models()
    models = ("classify-lstm-8", "classify-gru-8", "predict-gru-8", "predict-gru-2x8")
    assert {each.name for each in registered} == {f"smoke-{model}" for model in models}


def test_the_plan_holds_every_file_of_every_stage(finished):
    results = finished.folder / "results"
    recorded = {
        (path.parent / name).relative_to(results).as_posix()
        for path in results.rglob("run.json")
        for name in ("run.json", *json.loads(path.read_text())["outputs"])
    }
    assert made_by(finished).keys() == recorded
