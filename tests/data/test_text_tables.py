"""Tables of numbers: where the label stands, and lines that do not fit."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanline.data.formats import found_in, read_files

SIDE = 3
PIXELS = SIDE * SIDE


def lines(images: np.ndarray, labels, place: int | None, separator: str = ",") -> str:
    """Images as lines, the label at a ``place`` of each, or none."""
    rows = []
    for image, label in zip(images, labels, strict=True):
        row = list(map(str, image.ravel()))
        if place is not None:
            row.insert(place, str(label))
        rows.append(separator.join(row))
    return "\n".join(rows) + "\n"


def framed(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images whose corners are dark, as MNIST's, and labels."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, SIDE, SIDE))
    images[:, 0, 0] = images[:, -1, -1] = 0
    return images, np.arange(count) % 10


def check(folder: Path, images: np.ndarray, labels, stated=None) -> None:
    found = found_in(folder)
    assert found.shape()[:3] == (SIDE, SIDE, labels is not None)
    part = read_files(found.files, stated).training
    np.testing.assert_array_equal(part.images, images)
    if labels is None:
        assert part.labels is None
    else:
        np.testing.assert_array_equal(part.labels, labels)


@given(
    st.integers(0, PIXELS),
    st.sampled_from(["label", "Label", '"label"', "class", "y"]),
    st.integers(0, 99),
)
@settings(max_examples=25)
def test_a_header_names_the_label_wherever_it_stands(tmp_path_factory, place, name, seed):
    """As Kaggle's mnist_train.csv: label,pixel0,pixel1, …"""
    folder = tmp_path_factory.mktemp("table")
    generator = np.random.default_rng(seed)
    images, labels = generator.integers(0, 256, (6, SIDE, SIDE)), generator.integers(0, 10, 6)
    names = [f"pixel{i}" for i in range(PIXELS)]
    names.insert(place, name)
    text = ",".join(names) + "\n" + lines(images, labels, place)
    (folder / "mnist_train.csv").write_text(text)
    check(folder, images, labels)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((0, 255), np.uint8),
        ((1, 254), np.uint8),
        ((0, 256), np.float32),
        ((-1, 9), np.float32),
        ((0, 0.5), np.float32),
    ],
)
def test_whole_numbers_up_to_255_are_bytes_and_all_others_as_they_are(tmp_path, values, kind):
    images = np.resize(values, (5, SIDE, SIDE))
    (tmp_path / "train.csv").write_text(lines(images, range(5), None))
    found = found_in(tmp_path).read().training.images
    assert found.dtype == kind
    np.testing.assert_array_equal(found, images.astype(np.float32))


def test_a_header_that_is_not_utf_8_is_read(tmp_path):
    images, labels = framed(12)
    names = b",".join(b"gr\xf6\xdfe%d" % i for i in range(PIXELS))
    text = b"label," + names + b"\n" + lines(images, labels, 0).encode()
    (tmp_path / "train.csv").write_bytes(text)
    check(tmp_path, images, labels)


def test_a_separator_at_the_end_of_each_line_is_no_column(tmp_path):
    images, labels = framed(12)
    text = lines(images, labels, 0).replace("\n", ",\n")
    (tmp_path / "train.csv").write_text(text)
    check(tmp_path, images, labels)


@pytest.mark.parametrize("place", [0, PIXELS])
@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_without_a_header_dark_corners_tell_where_the_label_stands(tmp_path, place, ending):
    """The label-first files without a header, and scikit-learn's label-last one."""
    images, labels = framed(12)
    text = lines(images, labels, place).encode()
    content = gzip.compress(text) if ending.endswith("gz") else text
    (tmp_path / f"train.{ending}").write_bytes(content)
    few = lines(images[:1], labels[:1], place)  # alike in all its lines
    (tmp_path / "test.csv").write_text(few)
    check(tmp_path, images, labels)
    assert found_in(tmp_path).read().test.labels == labels[:1]


@pytest.mark.parametrize("stated", ["first", "last"])
@pytest.mark.parametrize("header", [True, False])
def test_what_is_not_clear_is_refused_and_can_be_stated(tmp_path, stated, header):
    images, labels = framed(12)
    images[::2, 0, 0] = images[::2, -1, -1] = 7
    names = ",".join(f"c{i}" for i in range(PIXELS + 1)) + "\n" if header else ""
    text = names + lines(images, labels, 0 if stated == "first" else PIXELS)
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(
        ValueError, match=r"train\.csv has 10 columns.*; state labels: first"
    ) as told:
        found_in(tmp_path).read()
    assert "\n" not in str(told.value)
    check(tmp_path, images, labels, stated)


@pytest.mark.parametrize(
    ("header", "stated", "message"),
    [
        ("label,a,b,c,d", "last", "the header of .* names column 1 'label'; drop labels"),
        ("a,b,c,d", "first", "4 numbers in a line, all of them an image's; drop labels"),
    ],
)
def test_what_is_stated_and_does_not_fit_is_refused(tmp_path, header, stated, message):
    numbers = ",".join("12345"[: header.count(",") + 1])
    (tmp_path / "train.csv").write_text(f"{header}\n{numbers}\n")
    with pytest.raises(ValueError, match=message):
        read_files(found_in(tmp_path).files, stated)


def test_a_test_split_may_lack_labels(tmp_path):
    """As Kaggle's test.csv does."""
    images, labels = framed(12)
    names = ",".join(f"pixel{i}" for i in range(PIXELS))
    (tmp_path / "train.csv").write_text(f"label,{names}\n{lines(images, labels, 0)}")
    (tmp_path / "test.csv").write_text(f"{names}\n{lines(images, labels, None)}")
    found = found_in(tmp_path)
    assert not found.shape().labelled
    raw = found.read()
    assert raw.test.labels is None
    np.testing.assert_array_equal(raw.test.images, images)


def test_a_trio_with_its_own_validation_split_and_no_labels(tmp_path):
    """As binarized_mnist_{train,valid,test}.amat."""
    generator = np.random.default_rng(0)
    written = {}
    for split, count in (("train", 9), ("valid", 4), ("test", 5)):
        written[split] = generator.integers(0, 2, (count, 16))
        rows = [" ".join(map(str, row)) for row in written[split]]
        (tmp_path / f"binarized_{split}.amat").write_text("\n".join(rows) + "\n")
    found = found_in(tmp_path)
    assert found.shape()[:3] == (4, 4, False)
    raw = found.read()
    for part, split in ((raw.training, "train"), (raw.validation, "valid"), (raw.test, "test")):
        assert part is not None
        assert part.labels is None
        np.testing.assert_array_equal(part.images.reshape(-1, 16), written[split])


@pytest.mark.parametrize("separator", [" ", "   ", "\t"])
def test_an_amat_file_ends_its_lines_with_the_label(tmp_path, separator):
    images, labels = framed(12)
    images = images / 256
    images[:, 0, 0] = images[:, -1, -1] = np.arange(12) / 16
    text = lines(images, labels.astype(float), PIXELS, separator)
    (tmp_path / "mnist_all_rotation_normalized_float_train_valid.amat").write_text(text)
    check(tmp_path, images.astype(np.float32), labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4,0\n1,2,3,4\n", "line 2 has 4 numbers; the first has 5"),
        ("1,2,3,4,0\n\n1,2,3,4,1,9\n", "line 3 has 6 numbers; the first has 5"),
        ("a,b,c,d,label\n1,2,3,4,5\n1,2,,4,1\n", "line 3 holds '', which is no number"),
        ("1,2,3,4,0\n1,2,x,4,1\n", "line 2 holds 'x', which is no number"),
        ("1,2,3,4,0\n1,nan,3,4,1\n", "line 2 holds 'nan', which is no number"),
        ("0,2,3,4,0\n0,2,3,4,1\n0,2,3,4,1.5\n", "line 3 has no whole number as label"),
        ("a,b,c,d,label\n1,2,3,4,0.5\n", "line 2 has no whole number as label"),
        ("1,2,3,4,0\n1,2,1e39,4,1\n", r"is no table of numbers \(values beyond float32\)"),
        ("7\n7\n", "has 1 columns; allowed are the numbers of a square image"),
        ("7,1\n7,2\n", "has 2 columns; allowed are the numbers of a square image"),
        ("1,2,3\n", "has 3 columns; allowed are the numbers of a square image"),
        ("label,2,3,4\n1,2,3,4\n", "has 4 columns; allowed are the numbers of a square image"),
    ],
)
def test_lines_that_do_not_fit_are_named(tmp_path, text, message):
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(ValueError, match=message) as refused:
        found_in(tmp_path).read()
    assert "train.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_splits_of_other_columns_are_refused(tmp_path):
    images, labels = framed(12)
    (tmp_path / "train.csv").write_text(lines(images, labels, 0))
    (tmp_path / "test.csv").write_text("1,2,3,4,5\n")
    with pytest.raises(ValueError, match="have other columns; give all splits the same"):
        found_in(tmp_path).read()


def test_a_test_split_alone_is_refused(tmp_path):
    (tmp_path / "test.csv").write_text("1,2,3,4\n")
    with pytest.raises(ValueError, match="holds test images alone; training are wanted"):
        found_in(tmp_path)
