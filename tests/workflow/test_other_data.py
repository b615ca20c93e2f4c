"""Whole small studies of other images than MNIST's: another size, many classes, no labels."""

import json
import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_digits import grey_digits, write_digits
from study_copy import NO_HOLES, Study, copy_project
from written_sets import write_folders

SMALL = {
    "tracking": "none",
    "classify": {"variants": ["gru-8"]},
    "predict": {"variants": ["gru-8"]},
    "complete": {"variants": ["gru-8"], "images": 12, "cut": 0.6, "hidden_runs": [0.2]},
    "inpaint": {
        "variants": ["gru-8"],
        "holes": ["0.1x0.2"],
        "images": 12,
        "corner_mean": 0.45,
        "corner_sd": 0.2,
    },
    "posterior": {
        "holes": NO_HOLES | {"0.25x0.5": 4},
        "calibration": {"holes": ["0.1x0.2"], "simulated": ["0.1x0.2"]},
    },
}


def finished(folder: Path, write_source, data: dict, **changes) -> tuple[Study, str]:
    """The study of what ``write_source`` writes, run to its end; what its plan says then."""
    study = copy_project(folder)
    write_source(study.folder / "source")
    given = {"source": "source", "binarise": "threshold", "threshold": 0.4} | data
    stated = {key: value for key, value in given.items() if value is not None}
    study.configure(datasets={"mine": stated}, dataset="mine")
    for each in (SMALL, changes):
        study.configure(**each)
    study.snakemake("--cores", "2")
    said = study.snakemake("--dry-run", "--cores", "1")
    assert "Nothing to be done" in said
    return study, said


SEVERAL = {  # runs and holes, and of each kind one that is a share of an image
    "complete": {"hidden_runs": [0.02, 0.2]},
    "inpaint": {"holes": ["1x1", "0.1x0.2"]},
}
TURNED = {  # a variant that reads by columns, and its mixture with one that reads raster
    "variants": {
        "gru-8-columns": {
            "cell": "gru", "units": 8, "layers": 1, "inputs": "context",
            "orientation": "columns-top-right",
        },
        "mix": {"mixture": ["gru-8", "gru-8-columns"]},
    },
    "predict": {"variants": ["gru-8", "gru-8-columns", "mix"]},
    "sample": {"variants": ["gru-8-columns"]},
    "posterior": {"variants": ["gru-8-columns"]},
}  # fmt: skip


def check_mixture(study: Study) -> None:
    """The mean of what its members say of whole images; no training, and no page of its own."""
    folders = [study.folder / f"results/mine/predict/{name}/seed-1" for name in
               ("gru-8", "gru-8-columns", "mix")]  # fmt: skip
    assert [(folder / "train").is_dir() for folder in folders] == [True, True, False]
    members = []
    for folder in folders[:2]:
        with np.load(folder / "score/log_likelihoods.npz") as found:
            members.append(np.exp(found["log_likelihood"].astype(np.longdouble)))
    wanted = -np.log(np.mean(members, axis=0)).mean()
    found = numbers(study).loc[("predict", "nats_per_image")]
    found = found[found["split_or_hidden"] == "test"].set_index("model")
    assert found.loc["mix", "measured"] == pytest.approx(float(wanted), rel=1e-6)
    assert found.loc["mix", "low"] < wanted < found.loc["mix", "high"]
    pairs = pd.read_csv(study.folder / "results/mine/tables/comparisons.csv")
    assert {"mix"} < {*pairs.loc[pairs["task"] == "predict", ["model", "other"]].stack()}
    page = (study.folder / "results/mine/report/report.html").read_text()
    assert re.search(r"<t[dh][^>]*>mix</t[dh]>", page)
    (told,) = re.findall(r"<code>snakemake .* (results/\S+)/play/index.html ", page)
    assert told == "results/mine/predict/gru-8/seed-1"
    done = study.python("workflow/scripts/verify_results.py")
    assert done.returncode == 0, done.stdout + done.stderr


def numbers(study: Study) -> pd.DataFrame:
    return pd.read_csv(study.folder / "results/mine/tables/figures.csv").set_index(
        ["task", "quantity"]
    )


def drawn(study: Study, figure: str) -> tuple[int, int]:
    """Height and width of a figure."""
    (path,) = (study.folder / "results/mine/figures").glob(f"*/{figure}.png")
    with Image.open(path) as picture:
        return picture.height, picture.width


def test_images_of_20_x_12_with_47_classes(tmp_path):
    def write(folder: Path) -> None:
        folder.mkdir()
        arrays = {}
        for split, count, seed in (("train", 141, 1), ("test", 94, 2)):
            arrays[f"x_{split}"] = grey_digits(count, 20, seed)[0][:, :, :12]
            arrays[f"y_{split}"] = np.arange(count) % 47
        np.savez_compressed(folder / "mine.npz", **arrays)

    study, _ = finished(tmp_path / "p", write, {"validation_images": 40}, **SEVERAL, **TURNED)
    check_mixture(study)
    scores = numbers(study)
    # 47 classes that cannot be told apart yet: log 47 nats, or a little more.
    nats = scores.loc[("classify", "nats"), "measured"]
    assert (np.abs(nats - np.log(47)) < 1).all()
    height, width = drawn(study, "figure-19-completion-truth")
    # Two panels of 10 x 2 pictures, each 21 x 13 with its gap, besides titles.
    assert 0.7 < height / width / (2 * 21 / (2 * 10 * 13)) < 1.6
    assert (study.folder / "results/mine/report/report.html").is_file()


def test_pictures_without_labels(tmp_path):
    def write(folder: Path) -> None:
        for split, count, seed in (("train", 60, 1), ("test", 20, 2)):
            (folder / split).mkdir(parents=True)
            for i, image in enumerate(grey_digits(count, 10, seed)[0]):
                Image.fromarray(255 - image).save(folder / split / f"{i}.png")  # ink on paper

    study, said = finished(tmp_path / "p", write, {"validation_images": 16, "ink": "dark"})
    for key in ("classify.variants", "posterior.classifier"):
        assert f"{key} is left out: the images of mine have no labels" in said
    scores = numbers(study)
    tasks = {"predict", "look_ahead", "complete", "inpaint"}
    assert set(scores.index.get_level_values("task")) == tasks
    table = pd.read_csv(study.folder / "results/mine/posterior/table/posterior.csv")
    assert table["digit_accuracy"].isna().all()
    assert table["nats_per_hidden_pixel"].notna().any()
    page = (study.folder / "results/mine/report/report.html").read_text()
    assert "nats per hidden pixel" in page
    assert "classes read" not in page
    # One line tells why a variant is left out, and none that it has no task.
    reads_labels = {"cell": "gru", "units": 8, "layers": 1, "labels": True}
    study.configure(variants={"told": reads_labels}, predict={"variants": ["gru-8", "told"]})
    said = study.snakemake("--dry-run")
    assert said.count("variants.told is left out: it reads labels") == 1
    assert "variants.told is in no task" not in said


def test_grey_digits_in_the_permuted_order(tmp_path):
    """Classifiers come to their numbers, and all else is left out, in one line each."""
    write = partial(write_digits, training=64, test=40, side=10)
    data = {"binarise": "none", "threshold": None, "order": "permuted", "validation_images": 16}
    study, said = finished(tmp_path / "p", write, data)
    lines = [line for line in said.splitlines() if "is left out" in line]
    tasks = ("predict", "look_ahead", "complete", "sample", "inpaint", "posterior")
    why = "the pixels are grey (binarise: none), and only classifiers read such"
    assert len(lines) == len(tasks)
    for task in tasks:
        assert [f"{task}.variants is left out: {why}" in line for line in lines].count(True) == 1
    scores = numbers(study)
    assert set(scores.index.get_level_values("task")) == {"classify"}
    assert set(scores["data"]) == {"mine"}
    assert scores.loc[("classify", "accuracy"), "measured"].between(0, 1).all()
    page = (study.folder / "results/mine/report/report.html").read_text()
    assert "A classifier reads the pixels in a random order" in page
    with np.load(study.folder / "results/mine/pixels/test.npz") as kept:
        grey = grey_digits(40, 10, seed=2)[0].reshape(40, 100)
        np.testing.assert_array_equal(kept["pixels"], grey)


def test_pictures_below_a_folder_count_by_content(tmp_path):
    """Snakemake itself sees of a folder no more than when something was put into it."""
    study, pixels = copy_project(tmp_path / "p"), "results/mine/pixels/train.npz"
    source = study.folder / "source"
    write_folders(source / "archive", "abcdefghij", splits=True)
    data = {"source": "source", "binarise": "threshold", "threshold": 0.4, "validation_images": 5}
    study.configure(datasets={"mine": data}, dataset="mine", **SMALL)
    all_of_them = {"training": {"train_images": 0}}
    study.configure(classify=all_of_them, predict=all_of_them, look_ahead=all_of_them)
    study.snakemake("--cores", "1", pixels)
    (source / "archive/train/.DS_Store").write_bytes(b"left by a system")
    picture = next(source.glob("archive/train/a/*.png"))
    for path in (picture, picture.parent, picture.parents[1], source / "archive"):
        os.utime(path)
    assert study.planned(pixels) == {}
    record = json.loads((study.folder / pixels).with_name("run.json").read_text())
    assert record["computed"]["class_names"]["9"] == "j"

    picture.write_bytes(next(source.glob("archive/test/b/*.png")).read_bytes())
    assert study.planned(pixels) == {"binarise": 1}


def test_scikit_learn_s_digits_by_their_preset(tmp_path):
    """The preset as it is, trained little; what the tests above draw of such images is planned."""
    study = copy_project(tmp_path / "p")
    little = {"epochs": 2, "train_images": 200, "warmup_steps": 0}
    (study.folder / "smoke.yaml").write_text("{}")
    study.configure(
        results="results",
        tracking="none",
        cells={"gate_biases": [0, 2], "sequences": 2},
        classify={"training": little},
        predict={"training": little, "variants": ["gru-32"]},
        complete={"variants": ["gru-32"], "images": 10, "samples": 2},
        sample={"variants": ["gru-32"], "images": 10},
        inpaint={"variants": ["gru-32"], "images": 10},
        posterior={
            "variants": ["gru-32"],
            "particles": 8,
            "chains": 2,
            "moves": 1,
            "sweeps": 1,
            "samples": 4,
            "calibration": {"draws": 10, "images": 2, "particles": [2, 4], "runs": 2},
        },
    )
    configs = ["workflow/presets/digits-8x8.yaml", "smoke.yaml"]
    assert re.search(r"^write_report +1$", study.snakemake("--dry-run", configs=configs), re.M)
    computed = ("tables/figures.csv", "posterior/table/posterior.csv")
    computed += ("posterior/gru-32/seed-1/calibration/errors.csv",)
    computed += ("sample/gru-32/seed-1/images/distances.csv",)
    files = [f"results/digits-8x8/{name}" for name in computed]
    study.snakemake("--cores", "2", *files, configs=configs)
    scores = pd.read_csv(study.folder / "results/digits-8x8/tables/figures.csv")
    by = scores.set_index(["task", "split_or_hidden", "quantity"])["measured"]
    assert by["predict", "test", "nats_per_pixel"] < np.log(2)
    assert set(scores["n"].dropna()) >= {10, 359}  # a fifth of 1,797 images
    hidden = scores.loc[scores["task"] == "complete", "split_or_hidden"]
    assert set(hidden) == {"1", "6", "26"}  # shares of 64 pixels


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"source": "nowhere"}, "nowhere does not exist; wanted: idx files named"),
        ({"source": "source"}, "source is empty; wanted: idx files named"),
        ({"source": "digits", "validation_images": 64}, "validation_images is 64 and 63 images"),
    ],
)
def test_a_plan_without_its_images_is_refused_in_one_line(tmp_path, data, told):
    study = copy_project(tmp_path / "p")
    (study.folder / "source").mkdir()
    study.configure(datasets={"smoke": data})
    said = study.snakemake("--dry-run", check=False)
    assert told in said
    assert len([line for line in said.splitlines() if told in line]) == 1
    assert "MissingInputException" not in said
