"""Parquet files as dataset hubs ship them: parts, labels and names of classes."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from small_digits import png
from written_sets import CLASS_NAMES, TEST, TRAINING, write_parquet, write_parts

from scanline.data.formats import found_in
from scanline.data.raw import Shape


def test_all_parts_of_a_split_are_read_in_order_with_the_names_of_classes(tmp_path):
    write_parts(tmp_path / "hub/data")
    (tmp_path / "hub/README.md").write_text("a card")
    found = found_in(tmp_path / "hub")
    assert found.shape() == Shape(12, 12, True, 30, 20)
    raw = found.read()
    assert raw.class_names == tuple(CLASS_NAMES)
    order = [*range(0, 30, 3), *range(1, 30, 3), *range(2, 30, 3)]
    np.testing.assert_array_equal(raw.training.images, TRAINING[0][order])
    np.testing.assert_array_equal(raw.training.labels, TRAINING[1][order])
    np.testing.assert_array_equal(raw.test.labels, TEST[1])


def test_a_part_that_is_missing_is_named(tmp_path):
    write_parts(tmp_path)
    (tmp_path / "train-00002-of-00003.parquet").unlink()
    with pytest.raises(ValueError, match=r"lacks train-00002-of-00003\.parquet; download"):
        found_in(tmp_path)
    write_parquet(tmp_path / "train-00002-of-00003-0a1b.parquet", *TEST)  # as older hubs name them
    found_in(tmp_path)
    write_parquet(tmp_path / "train-00000-of-00001.parquet", *TEST)
    with pytest.raises(ValueError, match="of several makings of one split; keep one"):
        found_in(tmp_path)


def test_labels_that_are_names_are_numbered_in_their_order(tmp_path):
    labels = [CLASS_NAMES[label] for label in TRAINING[1]]
    write_parquet(tmp_path / "train.parquet", TRAINING[0], labels)
    raw = found_in(tmp_path).read()
    assert raw.class_names == tuple(sorted(CLASS_NAMES[:10]))
    assert [raw.class_names[label] for label in raw.training.labels] == labels


@pytest.mark.parametrize("label", [{"_type": "ClassLabel"}, {"_type": "Value", "names": ["a"]}])
def test_labels_without_names_of_classes_have_none(tmp_path, label):
    path = tmp_path / "train.parquet"
    write_parquet(path, *TRAINING)
    told = json.dumps({"info": {"features": {"label": label}}})
    table = pyarrow.parquet.read_table(path).replace_schema_metadata({"huggingface": told})
    pyarrow.parquet.write_table(table, path)
    assert found_in(tmp_path).read().class_names == ()


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (TRAINING[0], [None] * 30, "that of image 1 is None; allowed: one whole number"),
        (TRAINING[0], [0, 1, None] * 10, "that of image 3 is None; allowed: one whole number"),
        (TRAINING[0], [0.5] * 30, "that of image 1 is 0.5; allowed: one whole number"),
        ([*TRAINING[0][:29], TRAINING[0][0][:7]], [1] * 30, "are 7 x 12 and 12 x 12 pixels"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, images, labels, message):
    write_parquet(tmp_path / "train.parquet", images, labels)
    with pytest.raises(ValueError, match=message):
        found_in(tmp_path).read()


def test_a_test_split_alone_is_refused(tmp_path):
    write_parquet(tmp_path / "test-00000-of-00001.parquet", *TEST)
    with pytest.raises(ValueError, match="holds test images alone; training are wanted"):
        found_in(tmp_path)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "image 2 is no picture; wanted is a picture"),
        ({"bytes": None, "path": "2.png"}, "image 2 is no picture"),
        (b"none", r"image 2 is not a readable picture \(cannot identify image file\)"),
    ],
)
def test_a_row_without_a_picture_is_named(tmp_path, image, message):
    first = png(TEST[0][0])
    good = {"bytes": first, "path": "1.png"} if isinstance(image, dict) else first
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"image": [good, image]}), path)
    with pytest.raises(ValueError, match=message) as refused:
        found_in(tmp_path).read()
    assert str(path) in str(refused.value)


def test_lists_of_pixels_are_no_pictures(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"image": [[0, 255]]}), tmp_path / "train.parquet")
    found = found_in(tmp_path)
    for judge in (found.shape, found.read):
        with pytest.raises(ValueError, match=r"train\.parquet: image 1 is a list; wanted is"):
            judge()


def test_a_file_that_is_no_parquet_is_named_by_plan_and_reading(tmp_path):
    (tmp_path / "train.parquet").write_bytes(b"PAR1 cut short")
    found = found_in(tmp_path)
    for judge in (found.shape, found.read):
        with pytest.raises(ValueError, match=r"train\.parquet is not a readable Parquet file"):
            judge()
