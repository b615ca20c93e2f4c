"""docs/data.md tells what to write for which files: each row of its table is done here."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from written_sets import (
    TEST,
    TRAINING,
    write_folders,
    write_idx_files,
    write_npz,
    write_parts,
    write_table,
)

from scanline.data.binarise import PixelSettings, at_threshold, binarise_files
from scanline.data.formats import found_in, shape_of
from scanline.data.idx import write_idx
from scanline.data.published import MNIST_FILES, SOURCES

PAGE = (Path(__file__).parents[2] / "docs/data.md").read_text()
TABLE = PAGE.split("| you have | write |")[1].split("\n\n")[0].splitlines()[2:]
ROWS = {  # what to write, by the first file that a row names
    re.findall("`([^`]+)`", having)[0]: write.strip().strip("`")
    for having, write, _ in (line.strip("|").split("|") for line in TABLE)
}


def write_several(folder: Path) -> None:
    for split in ("letters", "digits"):
        names = tuple(f"emnist-{split}-{name.replace('t10k', 'test')}" for name in MNIST_FILES)
        write_idx_files(folder, names, packed=True)
    for path in folder.glob("emnist-digits*"):
        path.write_bytes(b"not these")


def write_qmnist(folder: Path) -> None:
    folder.mkdir()
    for split, (images, labels) in (("train", TRAINING), ("test", TEST)):
        write_idx(folder / f"qmnist-{split}-images-idx3-ubyte", images)
        columns = np.stack([labels, labels * 0 + 7, labels * 0], axis=1)
        write_idx(folder / f"qmnist-{split}-labels-idx2-int", columns)


def write_amat(folder: Path) -> None:
    write_table(folder, " ", "amat")
    for split, of in (("train", "train"), ("test", "test"), ("valid", "test")):
        content = (folder / f"digits_{of}.amat").read_text()
        (folder / f"binarized_mnist_{split}.amat").write_text(content)
    for path in folder.glob("digits_*"):
        path.unlink()


def write_kaggle(folder: Path) -> None:
    folder.mkdir()
    header = ",".join(["label", *(f"pixel{i}" for i in range(144))])
    for split, part in (("train", TRAINING), ("test", TEST)):
        (folder / f"mnist_{split}.csv").write_text(f"{header}\n{label_first(*part)}")


def write_headerless(folder: Path) -> None:
    folder.mkdir()
    (folder / "letters.csv").write_text(label_first(*TRAINING) + label_first(*TEST))


def label_first(images: np.ndarray, labels: np.ndarray) -> str:
    lines = [
        ",".join(map(str, [label, *image.ravel()]))
        for image, label in zip(images, labels, strict=True)
    ]
    return "\n".join(lines) + "\n"


WRITERS = {
    MNIST_FILES[0]: lambda folder: write_idx_files(folder, MNIST_FILES),
    "emnist-letters-train-images-idx3-ubyte.gz": write_several,
    "qmnist-train-labels-idx2-int": write_qmnist,
    "train/A/1.png": lambda folder: write_folders(folder, "abcdefghij", splits=True),
    "A/1.png": lambda folder: write_folders(folder, "abcdefghij", splits=False),
    "train/1.png": lambda folder: write_folders(folder, "", splits=True, classes=False),
    "x_train": lambda folder: write_npz(folder, "x_train", "y_train", "x_test", "y_test"),
    "train_images": lambda folder: write_npz(
        folder, "train_images", "train_labels", "test_images", "test_labels"
    ),
    "binarized_mnist_train.amat": write_amat,
    "mnist_train.csv": write_kaggle,
    "letters.csv": write_headerless,
    "train-00000-of-00003.parquet": write_parts,
}


def test_each_row_is_done():
    assert ROWS.keys() == {*WRITERS, "fashion-mnist"}
    source = yaml.safe_load(f"{{{ROWS['fashion-mnist']}}}")["source"]
    assert shape_of(source) == SOURCES[source].shape


@pytest.mark.parametrize("row", WRITERS)
def test_what_the_row_says_reads_the_files(tmp_path, monkeypatch, row):
    monkeypatch.chdir(tmp_path)
    WRITERS[row](Path("mine"))
    written = yaml.safe_load(f"{{{ROWS[row]}}}")
    found = found_in(written["source"])
    own = row == "binarized_mnist_train.amat"  # a validation split of its own
    settings = PixelSettings(
        data="mine",
        method="threshold",
        threshold=0.3,
        validation_images=None if own else 5,
        **written,
    )
    sets = binarise_files(found.files, settings)
    given = [TRAINING, TEST, TEST] if own else [TRAINING, TEST]
    images = np.concatenate([each for each, _ in given])
    if written.get("transpose"):
        images = images.transpose(0, 2, 1)
    labels = np.concatenate([each for _, each in given])
    wanted = pairs(at_threshold(images, 0.3), labels if found.shape().labelled else None)
    read = [pair for each in sets.values() for pair in pairs(each.pixels, each.labels)]
    assert sorted(read) == sorted(wanted)
    assert found.shape().labelled == (row != "train/1.png")


def pairs(images: np.ndarray, labels: np.ndarray | None) -> list[tuple[bytes, int | None]]:
    """Each image with its label."""
    named = [None] * len(images) if labels is None else labels.tolist()
    return [(image.tobytes(), label) for image, label in zip(images, named, strict=True)]
