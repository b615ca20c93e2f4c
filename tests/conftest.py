"""Small data that many tests share: generated images of 4 x 4, as idx files and as pixel sets."""

from pathlib import Path

import numpy as np
import pytest

from scanline.fetch import FILES
from scanline.idx import write_idx
from scanline.pixels import Method, PixelSet, binarise_files, save_pixels

SIDE = 4
TRAINING_IMAGES, VALIDATION_IMAGES, TEST_IMAGES = 40, 8, 24


def grey_digits(count: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images [count, side, side] and labels [count]: a vertical stroke on weak noise.

    The label tells the stroke's column, so that there is something to learn.
    """
    generator = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = generator.integers(0, 20, (count, side, side)).astype(np.uint8)
    images[np.arange(count), :, labels % side] = generator.integers(120, 256, (count, side))
    return images, labels


def write_digits(folder: Path, training: int, test: int, side: int) -> None:
    """Writes the four idx files of a generated data set to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count, seed in (("train", training, 1), ("t10k", test, 2)):
        images, labels = grey_digits(count, side, seed)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A folder of four idx files: 40 training and 24 test images of 4 x 4."""
    folder = tmp_path / "idx"
    write_digits(folder, TRAINING_IMAGES, TEST_IMAGES, SIDE)
    return folder


def binarised(
    folder: Path,
    data: str = "tiny",
    source: str = "generated",
    validation_images: int = VALIDATION_IMAGES,
    method: Method = "threshold",
    threshold: float = 0.1,
    seed: int = 0,
) -> dict[str, PixelSet]:
    """The sets train, validation and test of a folder's four idx files."""
    files = [folder / name for name in FILES]
    return binarise_files(
        (files[0], files[1]),
        (files[2], files[3]),
        data=data,
        source=source,
        method=method,
        threshold=threshold,
        seed=seed,
        validation_images=validation_images,
    )


def save_sets(folder: Path, sets: dict[str, PixelSet]) -> None:
    """Writes train.npz, validation.npz and test.npz, as src/binarise.py does."""
    for name, each in sets.items():
        save_pixels(folder / f"{name}.npz", each)


@pytest.fixture
def pixel_sets(idx_folder: Path) -> dict[str, PixelSet]:
    """The sets train (32 images), validation (8) and test (24) of those files, at 0.1."""
    return binarised(idx_folder)


@pytest.fixture
def pixel_set(pixel_sets: dict[str, PixelSet]) -> PixelSet:
    """24 test images of 4 x 4."""
    return pixel_sets["test"]


@pytest.fixture
def pixels_folder(tmp_path: Path, pixel_sets: dict[str, PixelSet]) -> Path:
    """A folder with train.npz, validation.npz and test.npz."""
    folder = tmp_path / "pixels"
    folder.mkdir()
    save_sets(folder, pixel_sets)
    return folder


@pytest.fixture
def study(tmp_path: Path, idx_folder, pixels_folder, pixel_sets, monkeypatch):
    """A sound study to be spoiled, and in its ``out`` what an earlier run left of every output."""
    from refusals import OUTPUTS, Study

    monkeypatch.setenv("SCANLINE_TRACKING", "none")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    out = tmp_path / "out"
    out.mkdir()
    for name in OUTPUTS:
        (out / name).write_text("earlier")
    return Study(tmp_path, pixel_sets)
