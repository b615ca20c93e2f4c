"""Folders of pictures: which split and class an image is of, and what is refused as unclear."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from small_digits import png
from written_sets import TRAINING, write_folders

from scanline.data.formats import found_in
from scanline.data.raw import Raw, Shape
from scanline.files import sha256_of


@pytest.mark.parametrize("splits", [True, False])
def test_folders_by_class(tmp_path, splits):
    written = write_folders(tmp_path / "pictures", "jihgfedcba", splits)
    found = found_in(tmp_path / "pictures")
    assert found.shape() == Shape(12, 12, True, 30 if splits else 50, 20 if splits else None, 10)
    raw: Raw = found.read()
    assert raw.class_names == tuple("abcdefghij")
    for part in (raw.training, raw.test) if splits else (raw.training,):
        assert part is not None
        wanted = [9 - written[image.tobytes()] for image in part.images]
        np.testing.assert_array_equal(part.labels, wanted)
        # The first of them are of many classes: a validation split is cut from there.
        assert len(set(part.labels[:10])) > 3
    again = found_in(tmp_path / "pictures").read()
    np.testing.assert_array_equal(again.training.images, raw.training.images)


@pytest.mark.parametrize("splits", [True, False])
def test_pictures_in_no_folder_of_a_class_have_no_labels(tmp_path, splits):
    write_folders(tmp_path / "pictures", "", splits, classes=False)
    found = found_in(tmp_path / "pictures")
    assert not found.shape().labelled
    assert found.read().training.labels is None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "train/a/extra.png").write_bytes(png(TRAINING[0][0][:7])), "scale all"),
        (lambda f: (f / "train/a/extra.png").write_bytes(b"no picture"), "not a readable picture"),
        (lambda f: shutil.copy(next((f / "train/a").iterdir()), f / "train/x.png"), "no folder of"),
    ],
)
def test_a_picture_that_does_not_fit_is_named(tmp_path, spoil, message):
    write_folders(tmp_path / "f", "abcdefghij", splits=True)
    spoil(tmp_path / "f")
    with pytest.raises(ValueError, match=message) as refused:
        found_in(tmp_path / "f").read()
    assert "png" in str(refused.value)


def touch(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.full((2, 2), number, np.uint8)))


def test_folders_that_hold_all_others_are_passed_through(tmp_path):
    touch(tmp_path, *(f"a/archive/{s}/{c}/1.png" for s in ("Train", "valid", "test") for c in "AB"))
    found = found_in(tmp_path)
    assert found.shape() == Shape(2, 2, True, 2, 2, 2)
    raw = found.read()
    assert raw.class_names == ("A", "B")
    assert [sorted(part.images[:, 0, 0]) for part in raw[:3]] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["x/A/1.png", "x/B/2.png"], (2, True)),
        (["x/1.png", "x/2.png"], (2, False)),
        (["train/A/1.png"], (1, True)),
        (["train/1.png"], (1, False)),
    ],
)
def test_few_folders_are_read_as_many_are(tmp_path, names, wanted):
    touch(tmp_path, *names)
    shape = found_in(tmp_path).shape()
    assert (shape.training, shape.labelled) == wanted


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/A/1.png", "test/A/2.png", "more/A/3.png"], "more/A/3.png lies beside the folders"),
        (["train/A/1.png", "test/A/2.png", "cover.png"], "cover.png lies beside the folders"),
        (["x/train/A/1.png", "y/test/A/2.png"], "too deep"),
        (["A/train/1.png", "B/test/2.png"], "too deep"),
        (["a/x/1.png", "b/x/2.png", "b/y/3.png"], "too deep"),
        (["train/A/1.png", "train/A/more/2.png", "test/A/3.png"], "more/2.png lies too deep"),
        (["train/A/1.png", "train/2.png", "test/A/3.png"], "train/2.png lies in no folder of"),
        (["test/A/1.png", "test/B/2.png"], "holds test images alone; training are wanted"),
    ],
)
def test_folders_that_are_not_clear_are_refused(tmp_path, names, message):
    touch(tmp_path, *names)
    with pytest.raises(ValueError, match=message) as refused:
        found_in(tmp_path)
    assert "\n" not in str(refused.value)


def test_hidden_files_are_passed_over(tmp_path):
    touch(tmp_path / "f", "A/1.png", "B/2.png")
    before, digest = found_in(tmp_path / "f").read(), sha256_of(tmp_path / "f")
    hidden = ("A/._1.png", "A/.DS_Store", "B/Thumbs.db", "__MACOSX/A/._1.png", ".cache/C/3.png")
    for name in hidden:
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_bytes(b"none")
    after = found_in(tmp_path / "f").read()
    assert after.class_names == ("A", "B")
    np.testing.assert_array_equal(after.training.images, before.training.images)
    assert sha256_of(tmp_path / "f") == digest


def test_one_folder_in_each_split_is_one_class_and_one_folder_is_none(tmp_path):
    for splits, classes in ((True, 1), (False, None)):
        write_folders(tmp_path / str(splits), "a" * 10, splits)
        assert found_in(tmp_path / str(splits)).shape().classes == classes
