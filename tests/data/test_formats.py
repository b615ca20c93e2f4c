"""Images from the files that people have: each format, its names, its faults in one line.

test_image_folder.py, test_parquet_files.py and test_text_tables.py have more of their formats.
"""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from small_digits import png
from written_sets import TEST, TRAINING, write_idx_files, write_npz, write_table

from scanline.data.binarise import PixelSettings, binarise_files
from scanline.data.formats import FORMATS, found_in, read_files, shape_of
from scanline.data.published import MNIST_FILES as MNIST
from scanline.data.published import SOURCES
from scanline.data.raw import Shape, split_of

WRITERS = {
    "idx": lambda folder: write_idx_files(folder, MNIST),
    "idx, compressed": lambda folder: write_idx_files(folder, MNIST, packed=True),
    "idx, with dots": lambda folder: write_idx_files(
        folder, tuple(name.replace("-idx", ".idx") for name in MNIST)
    ),
    "idx, as EMNIST": lambda folder: write_idx_files(
        folder,
        tuple(f"emnist-letters-{name.replace('t10k', 'test')}" for name in MNIST),
        packed=True,
    ),
    "npz, as Keras": lambda folder: write_npz(folder, "x_train", "y_train", "x_test", "y_test"),
    "npz, as MedMNIST": lambda folder: write_npz(
        folder, "train_images", "train_labels", "test_images", "test_labels"
    ),
    "amat": lambda folder: write_table(folder, " ", "amat"),
    "csv": lambda folder: write_table(folder, ",", "csv", header=True),
    "csv, with semicolons": lambda folder: write_table(folder, ";", "csv", header=True),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_images_and_labels(tmp_path, kind):
    WRITERS[kind](tmp_path / "source")
    found = found_in(tmp_path / "source")
    for raw in (found.read(), read_files(found.files)):
        assert raw.validation is None
        for part, (images, labels) in ((raw.training, TRAINING), (raw.test, TEST)):
            np.testing.assert_array_equal(part.images, images)
            np.testing.assert_array_equal(part.labels, labels)
    known = found.shape()
    assert known[:3] == (12, 12, True)
    assert known.training in (30, None)


@pytest.mark.parametrize("kind", ["idx", "npz"])
def test_images_of_which_one_split_has_no_labels_are_planned_without(tmp_path, kind):
    if kind == "idx":
        names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
        write_idx_files(tmp_path / "set", tuple(f"{name}-ubyte" for name in names))
        (tmp_path / "set/t10k-labels-idx1-ubyte").unlink()
    else:
        arrays = dict(x_train=TRAINING[0], y_train=TRAINING[1], x_test=TEST[0])
        (tmp_path / "set").mkdir()
        np.savez(tmp_path / "set/mine.npz", **arrays)
    found = found_in(tmp_path / "set")
    assert found.shape() == Shape(12, 12, False, 30, 20)
    assert found.read().test.labels is None


def test_one_of_several_sets_in_a_folder_is_named_by_its_beginning(tmp_path):
    for name in ("emnist-letters", "emnist-digits"):
        write_idx_files(tmp_path, tuple(f"{name}-{each}" for each in MNIST))
    with pytest.raises(ValueError, match=r"emnist-digits-t10k-images.* and .*emnist-letters-t10k"):
        found_in(tmp_path)
    assert len(found_in(tmp_path / "emnist-letters").files) == 4


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (
            "training",
            "train-images-idx3-ubyte mnist_train.amat binarized_mnist_train.amat mnist_train.csv "
            "mnist_all_rotation_normalized_float_train_valid.amat rectangles_im_train.amat "
            "emnist-mnist-train-labels-idx1-ubyte.gz sign_mnist_train.csv latest-train.csv "
            "train-00000-of-00003.parquet Training TrainImages trainval training_set train_val",
        ),
        (
            "validation",
            "binarized_mnist_valid.amat validation-00000-of-00001.parquet val valid dev "
            "Validation val_images ValidationSet",
        ),
        (
            "test",
            "t10k-labels.idx1-ubyte.gz mnist_all_rotation_normalized_float_test.amat test "
            "qmnist-test-labels-idx2-int emnist-letters-test-images-idx3-ubyte.gz Testing testset "
            "binarized_mnist_test.amat test-00000-of-00001.parquet test1 TestImages",
        ),
        (
            None,
            "digits.csv valley Trains testament contest latest.csv mnist_train_test.amat t10 "
            "0000.parquet trainer evaluation",
        ),
    ],
)
def test_the_split_is_a_word_of_the_name(split, names):
    assert {name: split_of(name) for name in names.split()} == dict.fromkeys(names.split(), split)


@pytest.mark.parametrize("kind", WRITERS)
def test_lone_folders_are_passed_through_and_hidden_files_over(tmp_path, kind):
    """As archives are unpacked, by systems that leave files of their own."""
    (tmp_path / "source/archive").mkdir(parents=True)
    WRITERS[kind](tmp_path / "source/archive/set")
    for hidden in ("__MACOSX/set/._a.png", ".DS_Store", "archive/set/._digits_train.amat"):
        path = tmp_path / "source" / hidden
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"none")
    np.testing.assert_array_equal(found_in(tmp_path / "source").read().training.images, TRAINING[0])


def test_a_column_of_labels_is_stated_for_tables_alone(tmp_path):
    WRITERS["idx"](tmp_path / "source")
    files = found_in(tmp_path / "source").files
    with pytest.raises(ValueError, match=r"labels is 'first', and .* is no table of numbers"):
        read_files(files, "first")


def test_what_is_there_and_what_is_wanted_is_told_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    for path, there in ((tmp_path, "holds notes.txt"), (tmp_path / "a/b", "does not exist")):
        with pytest.raises(ValueError, match="wanted: idx files named") as refused:
            found_in(path)
        assert there in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": TRAINING[0]}, "holds images; wanted is x_train or train_images"),
        ({"x_train": TRAINING[0].reshape(30, -1)}, "x_train has shape (30, 144)"),
        ({"x_train": TRAINING[0][:, None]}, "x_train has shape (30, 1, 12, 12)"),
        ({"x_train": np.stack([TRAINING[0]] * 3, axis=3)}, "x_train has shape (30, 12, 12, 3)"),
        ({"x_train": TRAINING[0], "x_test": TEST[0][:0]}, "x_test has shape (0, 12, 12)"),
        ({"x_train": TRAINING[0], "y_train": np.zeros(3)}, "one whole number for each of 30"),
        ({"x_train": TRAINING[0], "y_train": np.full(30, 0.5)}, "one whole number for each of 30"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    found = found_in(tmp_path / "a.npz")
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        found.read()
    assert message in str(refused.value)
    if "shape" in message:  # which the plan sees, too
        with pytest.raises(ValueError, match=re.escape(message)):
            found.shape()


def test_one_of_two_files_of_arrays_is_named(tmp_path):
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, x_train=TRAINING[0])
    with pytest.raises(ValueError, match=r"a\.npz and .*b\.npz are both .*; name one of them"):
        found_in(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content[:30], "gz is gzip data cut short"),
        (gzip.decompress, "gz is not gzip data"),
        (lambda content: b"<html>", "gz is an HTML or XML page"),
    ],
)
@pytest.mark.parametrize("kind", ["idx, compressed", "csv"])
def test_a_plan_and_a_reading_refuse_damaged_files_alike(tmp_path, kind, spoil, message):
    WRITERS[kind](tmp_path / "source")
    for path in list((tmp_path / "source").iterdir()):
        content = path.read_bytes()
        packed = content if path.suffix == ".gz" else gzip.compress(content)
        path.unlink()
        path.with_name(f"{path.name.removesuffix('.gz')}.gz").write_bytes(spoil(packed))
    found = found_in(tmp_path / "source")
    for judge in (found.shape, found.read):
        with pytest.raises(ValueError, match=message):
            judge()


@pytest.mark.parametrize("name", SOURCES)
def test_a_published_source_is_planned_without_its_files(name):
    assert shape_of(name) == SOURCES[name].shape
    # Its files are found by their names alone, as they will be when they are there.
    files = [Path("downloads") / name / file for file in SOURCES[name].sha256]
    found = next(found for each in FORMATS if (found := each.find(files)))
    assert set(found.files) == set(files)


def test_scikit_learn_s_digits_are_what_it_loads(tmp_path):
    from sklearn.datasets import load_digits

    from scanline.data.fetch import fetch_files

    fetch_files(SOURCES["digits-8x8"], tmp_path)
    raw = found_in(tmp_path).read()
    digits = load_digits()
    np.testing.assert_array_equal(raw.training.images, digits.images)
    np.testing.assert_array_equal(raw.training.labels, digits.target)
    rows, columns, labelled, count, *_ = SOURCES["digits-8x8"].shape
    assert (len(digits.images), rows, columns, labelled) == (count, 8, 8, True)


@pytest.mark.parametrize("most", [255, 4095])
def test_pictures_of_several_depths_have_one_scale(tmp_path, most):
    """Of 8 bits where a tool found these enough, else of 16, in which 12 may be used."""
    images, _ = TRAINING
    for i, image in enumerate(images):
        deep = image.astype(np.uint16) * 257 if most == 255 else image.astype(np.uint16) * 16
        folder = tmp_path / ("train" if i % 3 else "test") / "a"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(png(image if most == 255 and i % 2 else deep))
    settings = PixelSettings("d", "s", "threshold", threshold=0.5, validation_images=2)
    if most == 255:
        sets = binarise_files([tmp_path], settings)
        found = np.concatenate([each.pixels for each in sets.values()])
        wanted = (images > 127).reshape(len(images), -1)
        assert sorted(map(bytes, found)) == sorted(map(bytes, wanted))
    else:
        with pytest.raises(ValueError, match=r"no scale that is known .*\(scale: 4095, say"):
            binarise_files([tmp_path], settings)
