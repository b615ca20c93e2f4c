"""Each row of docs/reruns.md, on the small study: which jobs Snakemake plans after a change.

Each test works on a copy of the finished study, or leaves it as it found it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from study_copy import ASIDE, ROOT, Study
from whole_study import copied_project, made_by

from scanline.files import sha256_of
from scanline.provenance.code import SOURCE, code_of
from scanline.provenance.record import NAME

TABLE = (ROOT / "docs/reruns.md").read_text()
TRAININGS = {"train_classifier": 2, "train_predictor": 2, "train_look_ahead": 1}
SAMPLES = {"sample_completions": 2, "score_completions": 2, "draw_completions": 1}
REPORT = {"make_tables": 1, "write_report": 1}
SCORES = {"score_classifier", "score_predictor", "score_completions", "infer_patches"}
PATIENCE = 600.0  # seconds on a busy machine; a twentieth of it is needed


@pytest.fixture
def copied(finished, tmp_path) -> Study:
    """A copy of the finished study that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2, symlinks=True)
    return Study(folder)


@pytest.fixture
def untracked(copied) -> None:
    """What that copy computes is not sent to its store, which takes longer than computing it."""
    copied.configure(tracking="none")


@pytest.fixture(scope="module")
def followers(finished) -> Callable[..., set[str]]:
    """Gives for rules themselves and all that need them, directly or not, by the rule graph."""
    graph = finished.snakemake("--rulegraph")
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
    arrows = [(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", graph)]

    def followers(*rules: str) -> set[str]:
        found, size = set(rules), -1
        while size < len(found):
            size = len(found)
            found |= {needs for needed, needs in arrows if needed in found}
        return (found & set(names.values())) - {"all"}

    return followers


def append(study: Study, path: str | Path, text: str) -> None:
    with open(study.folder / path, "a") as file:
        file.write(text)


def rules_of(path: str) -> list[str]:
    """The scripts whose results depend on a source file: they are named as their rules."""
    scripts = [script.stem for script in SOURCE.glob("*.py")]
    return [name for name in scripts if SOURCE / path in code_of(name)]


def verified(study: Study, *arguments: str) -> tuple[int, list[str]]:
    """The exit status of ``make verify``, and the lines that it prints."""
    done = study.python("workflow/scripts/verify_results.py", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()


def keep_config_of(study: Study) -> None:
    """Lets the results have the config as it is now, which else happens when jobs run."""
    study.snakemake("--cores", "1", "results/config.json", "--force")


def test_second_run(finished):
    assert finished.planned() == {}
    assert verified(finished)[0] == 0


def test_touch(copied):
    for part in ("src", "workflow", "profiles", "Snakefile", "config.yaml", "requirements.lock"):
        path = copied.folder / part
        for file in [path] if path.is_file() else path.rglob("*"):
            os.utime(file)
    for part in ("digits", "results/smoke/pixels", "results/tracking"):
        for file in (copied.folder / part).rglob("*"):
            os.utime(file)
    assert copied.planned() == {}


def test_fresh_clone(finished, tmp_path):
    clone = copied_project(tmp_path / "clone")
    for file in (clone.folder / "src").rglob("*"):
        os.utime(file)
    for part in ("results", "digits"):
        there, here = finished.folder / part, clone.folder / part
        shutil.copytree(there, here, copy_function=shutil.copy2, dirs_exist_ok=True)
    assert not (clone.folder / ".snakemake").exists()
    assert clone.planned() == {}
    assert verified(clone)[0] == 0


def test_lost_times(finished, tmp_path):
    clone = copied_project(tmp_path / "clone")
    for part in ("results", "digits"):
        there, here = finished.folder / part, clone.folder / part
        shutil.copytree(there, here, copy_function=shutil.copyfile, dirs_exist_ok=True)
    now = time.time()
    for age, name in enumerate(("predict", "classify", "pixels")):  # what is read, newest
        for file in (clone.folder / "results/smoke" / name).rglob("*"):
            os.utime(file, (now + age, now + age))
    assert clone.planned() != {}
    assert verified(clone)[0] == 0
    clone.configure(tracking="none")
    clone.snakemake("--touch", "--cores", "1")
    assert clone.planned() == {}
    assert verified(clone)[0] == 0


def test_comment(copied):
    for module in ("models/stack", "inference/ancestral"):
        file = copied.folder / f"src/scanline/{module}.py"
        opening, rest = file.read_text().split('"""', 1)
        file.write_text(f'{opening}"""Read this first. {rest}\n# A remark at the end.\n')
    assert copied.planned() == {}


def test_watchers(copied):
    package = copied.folder / "src/scanline"
    for module in (*package.glob("provenance/*.py"), package / "training/progress.py"):
        append(copied, module, "\nNEW = 1\n")
    assert copied.planned() == {}


def test_sampling(copied, followers):
    append(copied, "src/scanline/inference/ancestral.py", "\nNEW = 1\n")
    plan = copied.planned()
    assert plan.items() >= (SAMPLES | REPORT).items()
    assert plan.keys() == followers(*rules_of("scanline/inference/ancestral.py"))
    others = TRAININGS.keys() - {"train_look_ahead"}
    assert not plan.keys() & {*others, "binarise", "hide_pixels", "infer_patches"}


def test_sequential_monte_carlo(copied, followers):
    append(copied, "src/scanline/inference/smc.py", "\nNEW = 1\n")
    plan = copied.planned()
    for rule in ("fill_holes", "calibrate_posterior", "tabulate_posterior", "write_report"):
        assert plan[rule] == 1
    assert plan.keys() == followers(*rules_of("scanline/inference/smc.py"))
    assert not plan.keys() & {*TRAININGS, "sample_completions", "hide_holes", "infer_patches"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/scanline/models/stack.py", "\nNEW = 1\n"),
        ("src/scanline/kernel/recurrent.cc", "static int added;\n"),
        ("src/scanline/kernel/forms.h", "// A remark: other files than Python's count whole.\n"),
    ],
)
def test_recurrent_core(copied, followers, path, text):
    append(copied, path, text)
    plan = copied.planned()
    assert plan.items() >= (TRAININGS | SAMPLES | REPORT).items()
    assert plan.keys() == followers(*rules_of(path.removeprefix("src/")))
    assert plan.keys() >= followers(*TRAININGS, "demonstrate_cells")
    assert not plan.keys() & {"binarise", "hide_pixels", "hide_patches"}


def test_epochs(copied, followers):
    copied.configure(predict={"exceptions": [{"variants": ["gru-2x8"], "training": {"epochs": 2}}]})
    plan = copied.planned()
    one = {"train_predictor", "score_predictor", "sample_completions", "score_completions"}
    assert plan.items() >= (dict.fromkeys(one, 1) | REPORT).items()
    assert plan.keys() <= followers("train_predictor")
    assert "infer_patches" not in plan  # of the other variant


def test_epochs_of_the_reader(copied, followers):
    reader = {"variants": ["gru-8"], "training": {"epochs": 2}}
    copied.configure(classify={"exceptions": [reader]})
    plan = copied.planned()
    assert plan.items() >= ({"train_classifier": 1, "score_forecasts": 1} | REPORT).items()
    assert plan.keys() <= followers("train_classifier")
    assert not plan.keys() & {"train_predictor", "fill_holes", "calibrate_posterior"}


def test_variant_added(copied, followers):
    copied.configure(
        variants={"gru-9": {"cell": "gru", "units": 9, "layers": 1}},
        predict={"variants": ["gru-8", "gru-2x8", "gru-9"]},
    )
    plan = copied.planned()
    assert plan.items() >= ({"train_predictor": 1, "score_predictor": 1} | REPORT).items()
    left = {"train_classifier", "sample_completions", "score_completions", "infer_patches"}
    assert plan.keys() <= followers("train_predictor") - left


@pytest.mark.usefixtures("untracked")
def test_variant_removed(copied):
    copied.configure(predict={"variants": ["gru-8"]}, complete={"variants": ["gru-8"]})
    plan = copied.planned()
    keep_config_of(copied)
    assert plan.items() >= ({"draw_curves": 1, "draw_completions": 1} | REPORT).items()
    assert not plan.keys() & (TRAININGS.keys() | SCORES | {"binarise"})
    code, lines = verified(copied)
    gone = [line for line in lines if line.endswith("the config has no predict/gru-2x8 any more")]
    assert code == 1
    assert [line.split(":")[0] for line in gone] == [
        f"results/smoke/predict/gru-2x8/seed-1/{stage}" for stage in ("score", "train")
    ]


def test_threshold(copied, followers):
    copied.configure(datasets={"smoke": {"threshold": 0.2}})
    plan = copied.planned()
    assert plan.items() >= (TRAININGS | SAMPLES | REPORT | {"binarise": 1}).items()
    assert plan.keys() == followers("binarise")


@pytest.mark.usefixtures("untracked")
def test_redraw(copied):
    """Training images that are drawn anew are another training; held-out images stay."""
    once = {"source": "digits", "binarise": "bernoulli", "seed": 0, "validation_images": 16}
    model = "results/drawn/predict/gru-8/seed-1/train/model.keras"
    files = [f"results/drawn/pixels/{split}.npz" for split in ("train", "validation", "test")]
    hashes = []
    for drawn in (once, once | {"redraw": "epoch"}):
        copied.configure(dataset="drawn", datasets={"drawn": drawn})
        jobs = computed(copied.snakemake("--cores", "1", model))
        assert jobs == {"binarise": 1, "train_predictor": 1}
        hashes.append([sha256_of(copied.folder / file) for file in (*files, model)])
    same = [first == second for first, second in zip(*hashes, strict=True)]
    assert same == [False, True, True, False]


def computed(told: str) -> Counter[str]:
    """The jobs that a run of Snakemake computed: those that it ran and did not put back."""
    ran = Counter(re.findall(r"^(?:local)?rule (\w+):$", told, re.MULTILINE))
    put_back = Counter(re.findall(r"^(\w+): .* was computed before", told, re.MULTILINE))
    return Counter({rule: n for rule, n in (ran - put_back).items() if rule not in ASIDE})


def content(study: Study) -> dict[str, str]:
    """The hashes of all results of the study but for its note of the config."""
    folder = study.folder / "results/smoke"
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


@pytest.mark.usefixtures("untracked")
def test_without_effect(copied, followers):
    before = content(copied)
    append(copied, "src/binarise.py", "\nWITHOUT_EFFECT = 1\n")
    assert set(copied.planned()) == followers("binarise")
    # The report reads all records, of which one is new.
    assert computed(copied.snakemake("--cores", "2")) == {"binarise": 1, "write_report": 1}
    changed = {name for name, digest in content(copied).items() if digest != before[name]}
    # The report tells the seconds that each stage took, so its page may change with the new record.
    assert changed - {"report/report.html"} == {"pixels/run.json", "report/run.json"}
    assert copied.planned() == {}
    assert verified(copied)[0] == 0


@pytest.mark.usefixtures("untracked")
def test_back_to_earlier_settings(copied):
    binarised = f"results/smoke/pixels/{NAME}"
    before = content(copied)
    for threshold, jobs in ((0.5, {"binarise": 1}), (0.1, {}), (0.5, {}), (0.1, {})):
        copied.configure(datasets={"smoke": {"threshold": threshold}})
        assert computed(copied.snakemake("--cores", "1", binarised)) == jobs
    assert content(copied) == before


@pytest.mark.usefixtures("untracked")
def test_failed_stage(copied):
    before = content(copied)
    images = copied.folder / "digits/train-images-idx3-ubyte"
    whole = images.read_bytes()
    images.write_bytes(whole[:-1])
    assert "it is truncated" in copied.snakemake("--cores", "1", check=False)
    assert content(copied) == before
    assert "binarise" in copied.planned()
    images.write_bytes(whole)
    pixels = f"results/smoke/pixels/{NAME}"
    assert computed(copied.snakemake("--cores", "1", pixels)) == {}

    # Beyond all that the plan can judge: the seed is one that NumPy does not take.
    copied.configure(complete={"images_seed": 2**32})
    hidden = f"results/smoke/complete/hidden/{NAME}"
    assert "seed is 4294967296" in copied.snakemake("--cores", "1", hidden, check=False)
    assert content(copied) == before
    assert copied.planned(hidden) == {"hide_pixels": 1}
    copied.configure(complete={"images_seed": 0})
    assert computed(copied.snakemake("--cores", "1", hidden)) == {}
    assert content(copied) == before


def test_how_to_run(copied, monkeypatch):
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    for address in ("none", "http://127.0.0.1:5000"):
        copied.configure(tracking=address, accelerator="gpu", downloads="elsewhere")
        assert copied.planned("--set-threads", "train_classifier=2") == {}
    assert copied.planned("--cores", "16", "--resources", "gpu=1", "--verbose") == {}


@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_profile(finished, profile):
    plan = finished.snakemake("--dry-run", "--workflow-profile", f"profiles/{profile}")
    assert "Nothing to be done" in plan


def test_lock_file(copied):
    append(copied, "requirements.lock", "# another\n")
    assert copied.planned() == {}
    record = copied.folder / "results/smoke/predict/gru-8/seed-1/train/run.json"
    assert re.fullmatch(
        "[0-9a-f]{64}", json.loads(record.read_text())["environment"]["lock_sha256"]
    )


def test_published(copied):
    os.utime(copied.folder / "docs/results/figures.csv")
    assert copied.planned() == {}
    append(copied, "docs/results/figures.csv", "\n")
    assert copied.planned() == {"write_report": 1}


def test_deleted(copied, followers):
    shutil.rmtree(copied.folder / "results/smoke/complete/gru-8/seed-1/samples")
    plan = copied.planned()
    assert plan.items() >= (dict.fromkeys(SAMPLES, 1) | REPORT).items()
    assert plan.keys() == followers("sample_completions")


@pytest.mark.parametrize(
    "file",
    [
        "pixels/test.npz",
        "predict/gru-8/seed-1/train/model.keras",
        "predict/gru-8/seed-1/train/curve_by_step.csv",
        "predict/gru-8/seed-1/score/scores.csv",
        "posterior/gru-8/seed-1/forecasts/run.json",
        "tables/figures.csv",
        "figures/cells/figure-00-cells.pdf",
        "report/report.html",
    ],
)
def test_one_file_deleted(finished, tmp_path, file):
    """Whatever is deleted, its stage is planned, and what reads what it makes."""
    makers = made_by(finished)
    name = next((p for p in makers if p == f"smoke/{file}"), None)
    if name is None:  # a picture, whose name the figures' module gives
        name = next(p for p in makers if p.startswith("smoke/figures/cells/") and ".pdf" in p)
    path = finished.folder / "results" / name
    path.rename(tmp_path / "kept")
    try:
        plan = finished.planned()
        code, lines = verified(finished)
    finally:
        (tmp_path / "kept").rename(path)
    assert plan[makers[name]] >= 1
    told = "missing, no stage has run" if file.endswith("run.json") else "missing ("
    assert code == 1
    assert any(told in line and name.removesuffix("/run.json") in line for line in lines)


@pytest.mark.usefixtures("untracked")
def test_swapped(copied, followers):
    copied.configure(complete={"images": 11, "images_seed": 5})
    copied.snakemake("--cores", "2", "--quiet")
    assert copied.planned() == {}
    copied.configure(complete={"images": 5, "images_seed": 11})
    plan = copied.planned()
    assert plan.items() >= (SAMPLES | REPORT | {"hide_pixels": 1}).items()
    assert plan.keys() == followers("hide_pixels")


def test_renamed(copied, tmp_path):
    copied.folder.rename(tmp_path / "moved")
    moved = Study(tmp_path / "moved")
    assert moved.planned() == {}
    (moved.folder / "results").rename(moved.folder / "kept")
    moved.configure(results="kept")
    assert moved.planned() == {}
    assert verified(moved, "--results", "kept")[0] == 0


@pytest.mark.usefixtures("untracked")
def test_lost_metadata(copied, followers):
    shutil.rmtree(copied.folder / ".snakemake")
    assert copied.planned() == {}
    assert verified(copied)[0] == 0
    copied.configure(predict={"exceptions": [{"variants": ["gru-8"], "training": {"epochs": 2}}]})
    append(copied, "src/scanline/inference/ancestral.py", "\nNEW = 1\n")
    assert copied.planned() == {}
    keep_config_of(copied)
    code, lines = verified(copied)
    assert (code, lines) == (
        1,
        [
            "results/smoke/complete/gru-2x8/seed-1/samples: made by other code of "
            "sample_completions (scanline/inference/ancestral.py)",
            "results/smoke/complete/gru-8/seed-1/samples: made by other code of "
            "sample_completions (scanline/inference/ancestral.py)",
            "results/smoke/look_ahead/gru-8/seed-1/train: made by other code of "
            "train_look_ahead (scanline/inference/ancestral.py)",
            "results/smoke/posterior/gru-8/seed-1/calibration: made by other code of "
            "calibrate_posterior (scanline/inference/ancestral.py)",
            "results/smoke/posterior/gru-8/seed-1/forecasts: made by other code of "
            "fill_holes (scanline/inference/ancestral.py)",
            "results/smoke/predict/gru-8/seed-1/train: made with epochs 1, the config says 2",
            "results/smoke/sample/gru-8/seed-1/images: made by other code of "
            "sample_images (scanline/inference/ancestral.py)",
        ],
    )
    for folder in ("complete/gru-2x8/seed-1/samples", "complete/gru-8/seed-1/samples"):
        shutil.rmtree(copied.folder / "results/smoke" / folder)
    plan = copied.planned()
    assert plan.items() >= (SAMPLES | REPORT).items()
    assert plan.keys() == followers("sample_completions")


@pytest.mark.usefixtures("untracked")
def test_killed_snakemake(copied):
    shutil.rmtree(copied.folder / "results/smoke/complete")
    shutil.rmtree(copied.folder / "results/.finished")  # they are to be computed, not put back
    words = [sys.executable, "-m", "snakemake", "--configfile", "smoke.yaml", "--cores", "2"]
    process = subprocess.Popen(
        words,
        cwd=copied.folder,
        env=os.environ | {"PYTHONPATH": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while not list((copied.folder / "results/smoke/complete").glob("*/seed-1/samples/.partial-*")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "unlock" in copied.snakemake("--cores", "2", check=False)
    copied.snakemake("--unlock")
    copied.snakemake("--cores", "2")
    assert copied.planned() == {}
    assert not list((copied.folder / "results").rglob(".partial-*"))
    assert verified(copied)[0] == 0


@pytest.mark.usefixtures("untracked")
def test_pretrained(copied):
    for task in ("look_ahead", "predict"):
        trained = copied.folder / f"results/smoke/{task}/gru-8/seed-1/train"
        kept = copied.folder / f"pretrained/smoke/{task}/gru-8/seed-1"
        shutil.copytree(trained, kept)
        (kept / "run.json").rename(kept / "training.json")
    copied.configure(train="pretrained")
    plan = copied.planned()
    assert plan["take_model"] == 2
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

    curve = kept / "curve_by_step.csv"
    before = curve.read_text()
    curve.write_text(before + "another\n")
    assert copied.planned()["take_model"] == 1
    curve.write_text(before)
    shutil.rmtree(copied.folder / ".snakemake")
    for file in kept.iterdir():
        os.utime(file)
    assert copied.planned() == {}


def test_the_table_has_a_row_a_test():
    rows = re.findall(r"\| (\w+) \|$", TABLE, re.MULTILINE)
    tests = re.findall(r"^def test_(\w+)\(", Path(__file__).read_text(), re.MULTILINE)
    assert sorted(rows[1:]) == sorted(name for name in tests if not name.startswith("the_"))
