"""Each row of docs/bad-input.md: the script ends in that line and that exit, and writes nothing.

A row's case spoils one thing of a sound study of 4 x 4 images. The scripts run in this process, as
their command lines do, since one import of TensorFlow then serves all.
"""

import gzip
import importlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

from scanline.classifier import Classifier
from scanline.command import main
from scanline.fetch import FILES
from scanline.files import load_arrays, save_arrays
from scanline.idx import write_idx
from scanline.pixels import PixelSet, load_pixels, save_pixels
from scanline.predictor import Predictor

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs/bad-input.md").read_text()
TEST_FILE = re.compile(r"`(tests/\w+\.py)::(\w+)`")


class Row(NamedTuple):
    line: str
    exit: int


def rows() -> dict[str, Row]:
    """The table's rows by their last column."""
    lines = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {test: Row(line, int(exit_)) for _, line, exit_, test in cells}


def pattern_of(line: str) -> str:
    """What the cell between its first backticks says, as a regular expression."""
    return ".*".join(map(re.escape, line.split("`")[1].split("…")))


class Study(NamedTuple):
    """A sound study's files below ``folder``; the cases spoil one."""

    folder: Path
    sets: dict[str, PixelSet]

    @property
    def idx(self) -> Path:
        return self.folder / "idx"

    @property
    def pixels(self) -> Path:
        return self.folder / "pixels"

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def mark(self) -> Path:
        """Where hostile code would write, if it ran."""
        return self.folder / "executed"

    def save_model(self, kind: type = Predictor, **differs) -> None:
        """An untrained model of these pixels, but for what ``differs``."""
        kind("gru", 4, 1, self.sets["test"].identity | differs).save(self.model)

    def binarise(self) -> list[str]:
        flags = ("train-images", "train-labels", "test-images", "test-labels")
        files = dict(zip(flags, (self.idx / name for name in FILES), strict=True))
        made = {"data": "tiny", "source": "generated", "validation-images": 8}
        return command("binarise", **files, **made, out=self.out)

    def fetch(self, source: str | Path) -> list[str]:
        return command("fetch", source=source, folder=self.idx, out=self.out)

    def score(self, task: str = "predictor") -> list[str]:
        files = {name: self.pixels / f"{name}.npz" for name in ("train", "test")}
        return command(f"score_{task}", model=self.model, **files, out=self.out)

    def hide(self, **settings) -> list[str]:
        test = self.pixels / "test.npz"
        return command("hide_pixels", test=test, images=5, **settings, out=self.out)

    def infer(self, hidden: np.ndarray) -> list[str]:
        """Inference of 24 images whose file of patches holds ``hidden`` [24, k]."""
        self.save_model()
        test = self.sets["test"]
        path = self.folder / "1x1.npz"
        rest = dict(pixels=test.pixels, labels=test.labels, indices=np.arange(24))
        save_arrays(path, test.description, hidden=hidden.astype(np.int32), **rest)
        return command("infer_patches", model=self.model, hidden=path, out=self.out)


def command(script: str, **flags) -> list[str]:
    """A script's name, then its arguments."""
    pairs = [(f"--{name}", str(value)) for name, value in flags.items()]
    return [script, *(word for pair in pairs for word in pair)]


@pytest.fixture
def study(tmp_path, idx_folder, pixels_folder, pixel_sets, monkeypatch) -> Study:
    """A sound study, and in its ``out`` what an earlier run has left of every output."""
    monkeypatch.setenv("SCANLINE_TRACKING", "none")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    out = tmp_path / "out"
    out.mkdir()
    outputs = ("run.json", "scores.csv", "train.npz", "hidden.npz", "1x1.npz", "samples.npz")
    for name in (*outputs, *FILES):
        (out / name).write_text("earlier")
    return Study(tmp_path, pixel_sets)


Case = Callable[[Study], list[str]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__.replace("_", "-")] = function
    return function


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


@case
def idx_truncated(study):
    cut(study.idx / FILES[0], -1)
    return study.binarise()


@case
def idx_magic_number(study):
    path = study.idx / FILES[1]
    path.write_bytes(b"\0\0\x0d\1" + path.read_bytes()[4:])
    return study.binarise()


@case
def idx_sizes(study):
    path = study.idx / FILES[0]
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack(">I", 39) + content[8:])
    return study.binarise()


@case
def idx_two_sizes(study):
    write_idx(study.idx / FILES[2], np.zeros((24, 5, 4), np.uint8))
    return study.binarise()


@case
def idx_counts(study):
    write_idx(study.idx / FILES[3], np.zeros(23, np.uint8))
    return study.binarise()


@case
def idx_swapped(study):
    arguments = study.binarise()
    arguments[2], arguments[4] = arguments[4], arguments[2]
    return arguments


def as_gz(study: Study, content: bytes) -> list[str]:
    (study.idx / FILES[0]).unlink()
    (study.idx / f"{FILES[0]}.gz").write_bytes(content)
    return study.fetch(study.idx)


@case
def gzip_cut_short(study):
    return as_gz(study, gzip.compress((study.idx / FILES[0]).read_bytes())[:-9])


@case
def html_as_gz(study):
    return as_gz(study, b"<!DOCTYPE html><html><p>Please sign in</html>")


@case
def fetch_other_content(study):
    return study.fetch("mnist")


@case
def model_cut_short(study):
    study.save_model()
    cut(study.model, -1000)
    return study.score()


@case
def model_other_task(study):
    study.save_model(Classifier)
    return study.score()


@case
def model_other_architecture(study):
    study.save_model()
    rewrite_config(study.model, lambda text: text.replace('"units": 4', '"units": 5'))
    return study.score()


def rewrite_config(model: Path, change: Callable[[str], str]) -> None:
    """Changes the config in a .keras file, which must be changed by it."""
    with zipfile.ZipFile(model) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    before = parts["config.json"].decode()
    parts["config.json"] = change(before).encode()
    assert parts["config.json"].decode() != before
    with zipfile.ZipFile(model, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


@case
def model_polarity(study):
    study.save_model(polarity="ink is 0")
    return study.score()


@case
def model_threshold(study):
    study.save_model(Classifier, threshold=0.5)
    return study.score("classifier")


@case
def model_data_set(study):
    identity = study.sets["test"].identity
    study.save_model(source="elsewhere", sha256=identity["sha256"] | {FILES[0]: "0" * 64})
    test = study.sets["test"]
    cut_images = {"cut": 6, "hidden_runs": [1, 4]}
    arrays = dict(pixels=test.pixels, labels=test.labels, indices=np.arange(24))
    path = study.folder / "hidden.npz"
    save_arrays(path, test.description | cut_images, **arrays)
    return command("sample_completions", model=study.model, hidden=path, out=study.out)


def train_at_another_threshold(study: Study) -> None:
    path = study.pixels / "train.npz"
    train = load_pixels(path)
    save_pixels(path, PixelSet(train.pixels, train.labels, train.description | {"threshold": 0.5}))


@case
def predictor_splits_differ(study):
    study.save_model()
    train_at_another_threshold(study)
    return study.score()


@case
def classifier_splits_differ(study):
    study.save_model(Classifier)
    train_at_another_threshold(study)
    return study.score("classifier")


@case
def nan_in_weights(study):
    model = Predictor("gru", 4, 1, study.sets["test"].identity)
    kernel = model.weights[1]
    value = kernel.numpy()
    value[0, 0] = np.nan
    kernel.assign(value)
    model.save(study.model)
    return study.score()


@case
def hidden_cut_outside(study):
    return study.hide(cut=16, runs=1)


@case
def hidden_run_outside(study):
    return study.hide(cut=9, runs=8)


@case
def hidden_patch_outside(study):
    test = study.pixels / "test.npz"
    return command("hide_patches", test=test, holes="5x5", images=5, out=study.out)


@case
def hidden_none(study):
    return study.hide(cut=9, runs=0)


@case
def hidden_all(study):
    return study.hide(cut=0, runs=16)


@case
def patches_outside(study):
    return study.infer(np.full((24, 1), 16))


@case
def patches_none(study):
    return study.infer(np.zeros((24, 0)))


@case
def patches_all(study):
    return study.infer(np.tile(np.arange(16), (24, 1)))


@case
def results_below_a_file(study):
    (study.folder / "file").write_text("a file")
    return [*study.hide(cut=9, runs=1)[:-1], str(study.folder / "file/out")]


@case
def hostile_model(study):
    inputs, mark = keras.Input((16,)), str(study.mark)
    code = keras.layers.Lambda(lambda x: (open(mark, "w").close(), x)[1])
    keras.Model(inputs, code(inputs)).save(study.model)
    study.mark.unlink()  # the layer has been called once to be built
    return study.score()


class Hostile:
    """Unpickling it would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@case
def hostile_npz(study):
    path = study.pixels / "test.npz"
    arrays, description = load_arrays(path, "labels")
    trap = np.array([Hostile(study.mark)], object)
    told = np.array(json.dumps(description))
    np.savez(path, pixels=trap, description=told, **arrays, allow_pickle=True)
    return study.hide(cut=9, runs=1)


def held(folder: Path) -> dict[str, bytes]:
    """All files below ``folder``, and its folders too."""
    paths = (path for path in folder.rglob("*") if ".snakemake" not in path.parts)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in paths
    }


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_script_refuses(name, study, capfd):
    script, *arguments = CASES[name](study)
    before = held(study.folder)
    function = getattr(importlib.import_module(script), script)
    capfd.readouterr()
    with pytest.raises(SystemExit) as exit_:
        main(function, arguments=arguments)
    row, printed = rows()[name], capfd.readouterr()
    assert re.fullmatch(pattern_of(row.line) + "\n", printed.err), printed.err
    assert exit_.value.code == row.exit
    assert held(study.folder) == before
    assert not study.mark.exists()


def test_the_hostile_model_is_one(study):
    CASES["hostile-model"](study)
    keras.saving.load_model(study.model, safe_mode=False)
    assert study.mark.exists()


def test_the_hostile_npz_is_one(study):
    CASES["hostile-npz"](study)
    with open(study.pixels / "test.npz", "rb") as opened, np.load(opened, allow_pickle=True) as npz:
        npz["pixels"][0].close()
    assert study.mark.exists()


def test_a_results_folder_without_write_permission(study):
    study.out.chmod(0o555)
    before = held(study.folder)
    script, *arguments = study.hide(cut=9, runs=1)
    words = [sys.executable, ROOT / f"src/{script}.py", *arguments]
    if os.geteuid() == 0:
        # Permissions do not bind root, but for the capability that is dropped here.
        if not shutil.which("setpriv"):
            pytest.skip("root without setpriv writes everywhere")
        words = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    row = rows()["results-read-only"]
    assert re.fullmatch(pattern_of(row.line) + "\n", done.stderr), done.stderr
    assert done.returncode == row.exit
    assert held(study.folder) == before


CONFIGS = {  # a line of config.yaml, and what is put in its place
    "config-type": ("seeds: [1] ", "seeds: many "),
    "config-duplicate": ("  gru-64:", "  gru-128: {cell: gru, units: 8, layers: 1}\n  gru-64:"),
    "config-path": ("  gru-64:", "  ../x: {cell: gru, units: 8, layers: 1}\n  gru-64:"),
}


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_snakemake_refuses(name, tmp_path):
    sound, (old, new) = (ROOT / "config.yaml").read_text(), CONFIGS[name]
    assert sound.count(f"\n{old}") == 1
    (tmp_path / "config.yaml").write_text(sound.replace(f"\n{old}", f"\n{new}"))
    before = held(tmp_path)
    words = ["-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", tmp_path, "--cores", "1"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120)
    row = rows()[name]
    told = [line for line in done.stderr.splitlines() if re.fullmatch(pattern_of(row.line), line)]
    assert len(told) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == row.exit
    assert held(tmp_path) == before


def test_the_table_has_a_row_a_test():
    here = {name for name in rows() if not TEST_FILE.fullmatch(name)}
    assert here == {*CASES, *CONFIGS, "results-read-only"}
    for file, test in TEST_FILE.findall(TABLE):
        assert f"def {test}(" in (ROOT / file).read_text()
