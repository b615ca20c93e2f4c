"""How bad input is tested: a sound study of 4 x 4 images, one thing of it spoiled, what is refused.

Each row of docs/bad-input.md has a case, in the test file of its theme. A case spoils the study and
gives the command; the scripts run in this process, as their command lines do, since one import of
TensorFlow then serves all.
"""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from scanline.data.pixels import PixelSet
from scanline.data.published import MNIST_FILES
from scanline.files import save_arrays
from scanline.models.predictor import Predictor
from scanline.provenance.stage import main

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs/bad-input.md").read_text()
WRITTEN = ("run.json", "scores.csv", "train.npz", "hidden.npz", "1x1.npz", "samples.npz")
OUTPUTS = (*WRITTEN, *MNIST_FILES)


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
        files = [str(path) for path in sorted(self.idx.iterdir())]
        made = {"data": "tiny", "source": "generated", "validation-images": 8}
        made |= {"method": "threshold", "threshold": 0.1}
        return ["binarise", "--files", *files, *command("", **made, out=self.out)[1:]]

    def fetch(self, source: str | Path) -> list[str]:
        return command("fetch", source=source, folder=self.idx, out=self.out)

    def score(self, task: str = "predictor") -> list[str]:
        files = {name: self.pixels / f"{name}.npz" for name in ("train", "test")}
        return command(f"score_{task}", model=self.model, **files, images=0, out=self.out)

    def hide(self, **settings) -> list[str]:
        test = self.pixels / "test.npz"
        return command("hide_pixels", test=test, images=5, seed=0, **settings, out=self.out)

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


class Cases(dict[str, Callable[[Study], list[str]]]):
    """The cases of one theme by the last column of their rows."""

    def add(self, function: Callable[[Study], list[str]]) -> Callable[[Study], list[str]]:
        """Takes a case up under its name."""
        self[function.__name__.replace("_", "-")] = function
        return function

    def check(self, name: str, study: Study, capfd) -> None:
        """The script ends in the row's line and exit, writes nothing and runs no one's code."""
        script, *arguments = self[name](study)
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


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def held(folder: Path) -> dict[str, bytes]:
    """All files below ``folder``, and its folders too."""
    paths = (path for path in folder.rglob("*") if ".snakemake" not in path.parts)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in paths
    }
