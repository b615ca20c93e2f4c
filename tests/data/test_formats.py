"""Images from the files that people have: each format, its names, its faults in one line."""

import gzip
import io
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image
from small_digits import grey_digits

from scanline.data.formats import FORMATS, found_in, read_files, shape_of
from scanline.data.idx import write_idx
from scanline.data.published import SOURCES
from scanline.data.raw import Raw, Shape, split_of

TRAINING, TEST = grey_digits(30, 12, seed=1), grey_digits(20, 12, seed=2)


def png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, format="PNG")
    return content.getvalue()


def write_idx_files(folder: Path, names: tuple[str, str, str, str], packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (*TRAINING, *TEST), strict=True):
        write_idx(folder / name, array)
        if packed:
            path = folder / name
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()


def write_npz(folder: Path, *names: str) -> None:
    folder.mkdir()
    arrays = (*TRAINING, *TEST)
    np.savez_compressed(folder / "data.npz", **dict(zip(names, arrays, strict=True)))


def write_table(folder: Path, separator: str, ending: str, labels: bool = True) -> None:
    folder.mkdir()
    for split, (images, classes) in (("train", TRAINING), ("test", TEST)):
        rows = [
            separator.join(map(str, [*image.ravel(), *([label] if labels else [])]))
            for image, label in zip(images, classes, strict=True)
        ]
        (folder / f"digits_{split}.{ending}").write_text("\n".join(rows) + "\n")


def write_parquet(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    for split, (images, labels) in (("train", TRAINING), ("test", TEST)):
        pictures = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
        table = pyarrow.table({"image": pictures, "label": labels.astype(np.int64)})
        path = folder / f"data/{split}-00000-of-00001.parquet"
        pyarrow.parquet.write_table(table, path)


MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte")
MNIST = (*MNIST, "t10k-labels-idx1-ubyte")
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
    "csv": lambda folder: write_table(folder, ",", "csv"),
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


def test_parquet_as_dataset_hubs_ship_it(tmp_path):
    write_parquet(tmp_path / "hub")
    found = found_in(tmp_path / "hub/data")
    assert found.shape() == Shape(12, 12, True, 30, 20)
    raw = found.read()
    np.testing.assert_array_equal(raw.training.images, TRAINING[0])
    np.testing.assert_array_equal(raw.test.labels, TEST[1])


def write_folders(folder: Path, names: str, splits: bool, classes: bool = True) -> dict:
    """Pictures, one for each image; their files by content."""
    written = {}
    for split, (images, labels) in (("train", TRAINING), ("test", TEST)):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            parts = [split] * splits + ([names[label]] if classes else [])
            path = folder.joinpath(*parts, f"{split}-{i}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(image))
            written[image.tobytes()] = label
    return written


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


def test_pictures_in_one_folder_are_of_one_class(tmp_path):
    write_folders(tmp_path / "pictures", "a" * 10, splits=False)
    assert found_in(tmp_path / "pictures").shape().classes == 1


@pytest.mark.parametrize("splits", [True, False])
def test_pictures_in_no_folder_of_a_class_have_no_labels(tmp_path, splits):
    write_folders(tmp_path / "pictures", "", splits, classes=False)
    found = found_in(tmp_path / "pictures")
    assert not found.shape().labelled
    assert found.read().training.labels is None


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


def test_one_of_several_sets_in_a_folder_is_named_by_its_beginning(tmp_path):
    for name in ("emnist-letters", "emnist-digits"):
        write_idx_files(tmp_path, tuple(f"{name}-{each}" for each in MNIST))
    with pytest.raises(ValueError, match=r"emnist-digits-t10k-images.* and .*emnist-letters-t10k"):
        found_in(tmp_path)
    assert len(found_in(tmp_path / "emnist-letters").files) == 4


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-images-idx3-ubyte", "training"),
        ("t10k-labels.idx1-ubyte.gz", "test"),
        ("binarized_mnist_valid.amat", "validation"),
        ("latest-train.csv", "training"),
        ("digits.csv", None),
    ],
)
def test_the_split_is_a_word_of_the_name(name, split):
    assert split_of(name) == split


def test_what_is_there_and_what_is_wanted_is_told_in_one_line(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    for path, there in ((tmp_path, "holds notes.txt"), (tmp_path / "a/b", "does not exist")):
        with pytest.raises(ValueError, match="wanted: idx files named") as refused:
            found_in(path)
        assert there in str(refused.value)
        assert "\n" not in str(refused.value)


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


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": TRAINING[0]}, "holds images; wanted is x_train or train_images"),
        ({"x_train": TRAINING[0].reshape(30, -1)}, "x_train has shape (30, 144)"),
        ({"x_train": TRAINING[0], "y_train": np.zeros(3)}, "one whole number for each of 30"),
        ({"x_train": TRAINING[0], "y_train": np.full(30, 0.5)}, "one whole number for each of 30"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        found_in(tmp_path / "a.npz").read()
    assert message in str(refused.value)


def test_a_line_that_is_no_square_is_refused(tmp_path):
    (tmp_path / "train.csv").write_text("1,2,3\n")
    with pytest.raises(ValueError, match="3 numbers in a line"):
        found_in(tmp_path).shape()


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
    rows, columns, labelled, count, _ = SOURCES["digits-8x8"].shape
    assert (len(digits.images), rows, columns, labelled) == (count, 8, 8, True)
