"""The command ``scanline``: each verb on small models, and its help without TensorFlow."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from PIL import Image
from refusals import ROOT

from scanline.commands.main import main
from scanline.data.pixels import PixelSet, save_pixels
from scanline.figures.sheet import SCALE
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor

HELP = """
import sys
from scanline.commands.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end
heavy = {"tensorflow", "keras", "pandas", "matplotlib", "scipy"} & sys.modules.keys()
assert not heavy, heavy
"""


@pytest.fixture
def folder(tmp_path, pixel_set, monkeypatch):
    """Models of 4 x 4 pixels in predict/ and classify/, and test.npz; the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    for name, kind in (("predict", Predictor), ("classify", Classifier)):
        (tmp_path / name).mkdir()
        kind("gru", 4, 1, pixel_set.identity, seed=2).save(tmp_path / name / "model.keras")
    save_pixels(tmp_path / "test.npz", pixel_set)
    return tmp_path


@pytest.mark.parametrize("words", [["--help"], ["complete", "--help"], ["study", "--help"]])
def test_help_is_light(words):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", HELP, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: scanline" in done.stdout
    verbs = "{models,score,sample,complete,classify,export,study}"
    assert len(words) > 1 or verbs in done.stdout


def test_models_prints_every_model(capsys):
    main(["models"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("|")[1].strip() == "name"
    assert any("gru-128-context" in line and " 56.5063 " in line for line in lines)
    assert "nan" not in "".join(lines).lower()


def test_score(folder, pixel_set, capsys):
    np.save("two.npy", pixel_set.pixels[:2])
    main(["score", "--images", "test.npz", "two.npy", "--model", "predict", "--out", "nats.csv"])
    table = pd.read_csv("nats.csv")
    assert list(table.columns) == ["file", "image", "log_likelihood"]
    assert table["file"].tolist() == ["test.npz"] * 24 + ["two.npy"] * 2
    assert table["image"].tolist() == [*range(24), 0, 1]
    model = Predictor("gru", 4, 1, pixel_set.identity, seed=2)
    logits = model(pixel_set.pixels).numpy().astype(np.float64)
    wanted = -np.logaddexp(0, (1 - 2.0 * pixel_set.pixels) * logits).sum(axis=1)
    found = table["log_likelihood"].to_numpy()
    # float32 logits, a sum of 16 terms below a nat each
    np.testing.assert_allclose(found, [*wanted, *wanted[:2]], rtol=0, atol=1e-5)
    assert f"{-found.mean():.2f}" in capsys.readouterr().out


def test_sample_writes_what_score_reads(folder):
    main(["sample", "--model", "predict", "--count", "5", "--seed", "4", "--out", "new/five.png"])
    images = np.load("new/five.npz")["images"]
    assert images.shape == (5, 4, 4)
    assert sorted(path.name for path in (folder / "new").iterdir()) == ["five.npz", "five.png"]
    sheet = imread("new/five.png")
    assert sheet.shape[:2] == (SCALE * (2 * 5 + 1), SCALE * (3 * 5 + 1))  # 2 rows of 3
    first = sheet[SCALE : SCALE * 5 : SCALE, SCALE : SCALE * 5 : SCALE, 0]
    np.testing.assert_array_equal(first == 0, images[0] == 1)
    main(["score", "--images", "new/five.npz", "--model", "predict", "--out", "nats.csv"])
    assert len(pd.read_csv("nats.csv")) == 5


def test_classify(folder, pixel_set):
    main(["classify", "--images", "test.npz", "--model", "classify", "--out", "labels.csv"])
    table = pd.read_csv("labels.csv")
    p = table[[f"p_{label}" for label in range(10)]].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)  # float32
    assert (table["label"] == p.argmax(axis=1)).all()
    assert len(table) == len(pixel_set.labels)


@pytest.mark.parametrize("verb", ["score", "classify"])
def test_dark_ink_is_said_and_a_fitted_picture_told(folder, pixel_set, verb, capsys):
    np.save("light.npy", pixel_set.pixels[:2])
    np.save("dark.npy", 1 - pixel_set.pixels[:2])
    model = "predict" if verb == "score" else "classify"
    tables = []
    for name, *ink in (("light",), ("dark", "--ink", "dark")):
        main([verb, "--images", f"{name}.npy", "--model", model, "--out", "a.csv", *ink])
        tables.append(pd.read_csv("a.csv").drop(columns="file"))
    pd.testing.assert_frame_equal(*tables)
    assert "cropped" not in capsys.readouterr().out
    drawn = np.full((60, 50), 250, np.uint8)
    drawn[10:50, 20:26] = 5
    Image.fromarray(drawn).save("photo.png")
    main([verb, "--images", "photo.png", "--model", model, "--out", "a.csv"])
    assert "cropped, scaled and centred  photo.png" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["score", "classify"])
def test_pixels_of_other_data_are_refused_or_taken_and_marked(folder, pixel_set, verb):
    model = {"score": "predict", "classify": "classify"}[verb]
    other = pixel_set.description | {"source": "elsewhere"}
    save_pixels(folder / "other.npz", PixelSet(pixel_set.pixels, pixel_set.labels, other))
    words = [verb, "--images", "other.npz", "--model", model, "--out", "out.csv"]
    with pytest.raises(SystemExit, match=r"^scanline .*: other\.npz: .* --other-data takes them"):
        main(words)
    assert not (folder / "out.csv").exists()
    main([*words, "--other-data"])
    marked = pd.read_csv("out.csv")
    assert set(marked.pop("trained_on")) == {"generated"}
    words[2] = "test.npz"
    main(words)
    own = pd.read_csv("out.csv").assign(file="other.npz")
    pd.testing.assert_frame_equal(marked, own)


def test_classes_are_not_told_of_images_of_others(folder, pixel_set):
    letters = pixel_set.description | {"source": "letters", "classes": 26}
    save_pixels(folder / "letters.npz", PixelSet(pixel_set.pixels, pixel_set.labels, letters))
    words = ["classify", "--images", "letters.npz", "--model", "classify", "--out", "labels.csv"]
    with pytest.raises(SystemExit, match="the model tells 10 classes apart and these images have"):
        main([*words, "--other-data"])
    bare = letters | {"classes": 0}
    save_pixels(folder / "letters.npz", PixelSet(pixel_set.pixels, None, bare))
    main([*words, "--other-data"])  # whose classes nobody knows
    assert len(pd.read_csv("labels.csv")) == len(pixel_set)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("score --images a.npy --out a.txt", "scanline score: out is a.txt; it must end in .csv"),
        ("sample --out a.pdf", "scanline sample: out is a.pdf; it must end in .png"),
        ("sample --model predict --count 0 --out a.png", "scanline sample: count is 0; allowed: 1"),
        ("sample --model predict --label 3 --out a.png", "scanline sample: label is 3; the model"),
        ("classify --images a.npy --model predict --out a.csv", "needed is a Classifier"),
        ("score --images a.npy --model predict --out a.csv", "No such file or directory: 'a.npy'"),
        ("score --images a.npy --model gru-1 --out a.csv", "scanline score: model is 'gru-1'; all"),
        (
            "study",
            "scanline study: folder is .*, which holds no Snakefile; the study needs",
        ),
    ],
)
def test_bad_input_ends_in_one_line(folder, words, line):
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(SystemExit, match=line) as end:
        main(words.split())
    assert "\n" not in str(end.value)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_study_of_a_checkout_is_planned(tmp_path):
    """A Snakefile of one rule stands for the study's; its own plan is in test_workflow.py."""
    (tmp_path / "Snakefile").write_text("rule all:\n    output:\n        config['made'],\n")
    (tmp_path / "mine.yaml").write_text("made: planned.txt\n")
    command = [sys.executable, "-m", "scanline", "study", "--dry-run", "--cores", "1"]
    command += ["--folder", ".", "--configs", "mine.yaml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "planned.txt" in done.stdout + done.stderr
    assert not (tmp_path / "planned.txt").exists()
