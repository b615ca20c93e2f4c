"""Fixtures that many tests share: small generated digits as idx files and as pixel sets."""

from pathlib import Path

import hypothesis
import pytest
from small_digits import SIDE, TEST_IMAGES, TRAINING_IMAGES, binarised, save_sets, write_digits

from scanline.data.pixels import PixelSet

# An example may take any time: on a busy machine a deadline says nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole studies come first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A folder of four idx files: 40 training and 24 test images of 4 x 4."""
    folder = tmp_path / "idx"
    write_digits(folder, TRAINING_IMAGES, TEST_IMAGES, SIDE)
    return folder


@pytest.fixture
def pixel_sets(idx_folder: Path) -> dict[str, PixelSet]:
    """The sets train (32 images), validation (8) and test (24) of those files, at 0.1."""
    return binarised(idx_folder)


@pytest.fixture
def grey_sets(idx_folder: Path) -> dict[str, PixelSet]:
    """The same images, grey, to be read in the permuted order."""
    return binarised(idx_folder, method="none", order="permuted")


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
