"""The command that completes an image of one's own: as a process, and what it refuses."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.image import imread, imsave
from refusals import ROOT, held, pattern_of, rows
from study_copy import Study

from scanline.commands.complete import complete
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor

SIDE = 4


def save_png(path: Path, values: np.ndarray) -> None:
    """Grey ``values`` [rows, columns] in 0..255, or colours [rows, columns, 3 or 4], as a PNG."""
    if values.ndim == 2:
        values = np.repeat(values[:, :, None], 3, axis=2)
    imsave(path, values.astype(np.uint8))


@pytest.fixture
def folder(tmp_path, pixel_sets) -> Path:
    """A folder with a model of 4 x 4 pixels, a grey image, and a hole of four pixels."""
    Predictor("gru", 4, 1, pixel_sets["test"].identity).save(tmp_path / "model.keras")
    grey = np.zeros((SIDE, SIDE))
    grey[:, 1] = 200
    save_png(tmp_path / "my.png", grey)
    hole = np.zeros((SIDE, SIDE))
    hole[1:3, 1:3] = 255
    save_png(tmp_path / "hole.png", hole)
    return tmp_path


def given(folder: Path) -> dict[str, Path]:
    return {
        "image": folder / "my.png",
        "hidden": folder / "hole.png",
        "model": folder,
        "out": folder / "out.png",
    }


def test_it_runs_as_a_command(folder):
    words = [word for name, path in given(folder).items() for word in (f"--{name}", str(path))]
    command = ["-m", "scanline", "complete", *words, "--truth", str(folder / "my.png")]
    run = Study(ROOT / "src").python
    done = run(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^log p\(observed\) +-\d+\.\d\d nats \(exact\)$", done.stdout, re.M)
    assert re.search(r"^method +exact$", done.stdout, re.M)
    assert imread(folder / "out.png").shape[2] == 4
    refused = run(*command, "--samples", "0")
    assert refused.returncode == 1
    assert refused.stderr == "scanline complete: samples is 0; allowed: 1 and above\n"


@pytest.mark.parametrize(("samples", "method"), [(3, "smc"), (40, "particle_gibbs")])
def test_a_larger_hole_is_sampled(folder, capsys, samples, method):
    """Of 24 particles, which are worth more than 3 draws and less than 40."""
    complete(**given(folder), exact_pixels=3, samples=samples, particles=8, runs=3, moves=2)
    printed = capsys.readouterr().out
    assert re.search(r"nats \(95 %: -\d+\.\d\d to -\d+\.\d\d; 3 runs of 8 particles\)", printed)
    assert re.search(rf"^method +{method}\neffective sample size +\d+\.\d$", printed, re.M)
    assert (folder / "out.png").exists()


def check_refused(folder: Path, name: str) -> None:
    """The line is the row's whose last column names the test ``name``; nothing is written."""
    before = held(folder)
    with pytest.raises(ValueError, match=r"\w") as error:
        complete(**given(folder))
    line = pattern_of(rows()[f"`tests/commands/test_complete.py::{name}`"].line)
    assert re.fullmatch(line, f"scanline complete: {error.value}")
    assert held(folder) == before


def test_an_image_of_another_size(folder):
    save_png(folder / "my.png", np.zeros((5, 4)))
    check_refused(folder, "test_an_image_of_another_size")


def test_an_image_without_ink(folder):
    save_png(folder / "my.png", np.zeros((SIDE, SIDE)))
    check_refused(folder, "test_an_image_without_ink")


def test_an_image_of_an_unknown_scale(folder):
    save_png(folder / "my.png", 16 * np.eye(SIDE))
    check_refused(folder, "test_an_image_of_an_unknown_scale")


def test_several_images_are_refused(folder):
    np.save(folder / "two.npy", np.stack([np.eye(SIDE)] * 2))
    with pytest.raises(ValueError, match=r"two\.npy holds 2 images; complete one at a time"):
        complete(**given(folder) | {"image": folder / "two.npy"})


def test_an_image_of_another_size_is_understood_and_shown(folder):
    drawn = np.full((60, 50), 250)
    drawn[10:50, 20:26] = 5  # a dark stroke on light paper
    save_png(folder / "my.png", drawn)
    complete(**given(folder))
    shown = imread(folder / "out-understood.png")
    assert shown.shape[:2] == (SIDE, SIDE)
    assert shown[..., 0].min() == 0  # its ink, black


def test_an_image_that_is_no_png(folder):
    (folder / "my.png").write_text("a picture")
    check_refused(folder, "test_an_image_that_is_no_png")


def test_a_hole_with_grey_pixels(folder):
    save_png(folder / "hole.png", np.full((SIDE, SIDE), 128))
    check_refused(folder, "test_a_hole_with_grey_pixels")


def test_a_hole_without_pixels(folder):
    save_png(folder / "hole.png", np.zeros((SIDE, SIDE)))
    check_refused(folder, "test_a_hole_without_pixels")


@pytest.mark.parametrize("exact_pixels", [16, 3])
def test_a_hole_of_all_pixels_leaves_nothing_to_observe(folder, exact_pixels, capsys):
    save_png(folder / "hole.png", np.full((SIDE, SIDE), 255))
    complete(**given(folder), exact_pixels=exact_pixels, samples=3, particles=8, runs=2, moves=1)
    printed = capsys.readouterr().out
    assert re.search(r"^hidden pixels +16$", printed, re.M)
    assert re.search(
        r"^log p\(observed\) +0\.00 nats \((exact|95 %: 0\.00 to 0\.00; )", printed, re.M
    )


def test_a_model_of_another_kind(folder, pixel_sets):
    Classifier("gru", 4, 1, pixel_sets["test"].identity).save(folder / "model.keras")
    check_refused(folder, "test_a_model_of_another_kind")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"out": Path("out.pdf")}, "out is out.pdf; it must end in .png"),
        ({"runs": 1}, "runs is 1; allowed: 2 and above"),
        ({"moves": -1}, "moves is -1; allowed: 0 and above"),
    ],
)
def test_arguments(folder, changed, message):
    with pytest.raises(ValueError, match=message):
        complete(**given(folder) | changed)


def test_the_limit_of_exactness_is_the_study_s():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    defaults = inspect.signature(complete).parameters
    for name in ("exact_pixels", "particles", "block", "move_particles"):
        assert defaults[name].default == config["posterior"][name]
