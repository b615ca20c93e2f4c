"""Binarising: by a threshold, by a draw, and from four files to three splits."""

import gzip
import hashlib

import numpy as np
import pytest
from written_sets import CLASS_NAMES, write_parts

from binarise import binarise
from scanline.data.binarise import (
    PixelSettings,
    at_threshold,
    bernoulli_draw,
    binarise_files,
    made_alike,
)
from scanline.data.formats import found_in
from scanline.data.idx import read_images, read_labels, write_idx
from scanline.data.pixels import load_pixels

NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def run_binarise(folder, out, **settings):
    files = [folder / f"{name}-ubyte" for name in NAMES]
    made = {"data": "tiny", "source": "generated", "validation_images": 8}
    made |= {"method": "threshold", "threshold": 0.1}
    out.mkdir(exist_ok=True)
    binarise(files=tuple(files), settings=PixelSettings(**(made | settings)), out=out)


def test_threshold_is_strict_and_ink_is_one():
    grey = np.array([0, 25, 26, 51, 52, 255], np.uint8)
    assert at_threshold(grey, 0.1).tolist() == [0, 0, 1, 1, 1, 1]  # 25.5 of 255
    assert at_threshold(grey, 0.2).tolist() == [0, 0, 0, 0, 1, 1]  # 51 of 255 is not above
    assert at_threshold(grey, 1.0).tolist() == [0] * 6
    assert at_threshold(np.array([127, 128], np.uint8), 0.5).tolist() == [0, 1]  # of 255


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(ValueError, match=f"threshold is {threshold}; allowed: 0 to 1"):
        at_threshold(np.zeros(1, np.uint8), threshold)


def test_draw_has_the_grey_value_as_its_probability():
    grey = np.repeat(np.array([0, 1, 64, 200, 254, 255], np.uint8)[:, None], 40_000, axis=1)
    frequency = bernoulli_draw(grey, seed=1).mean(axis=1)
    p = grey[:, 0] / 255
    standard_error = np.sqrt(p * (1 - p) / grey.shape[1])
    # 5 standard errors: a right draw fails once in a million; 0 and 255 are certain.
    assert (np.abs(frequency - p) <= 5 * standard_error).all()


def test_draw_depends_on_seed_stream_and_place_alone():
    grey = np.random.default_rng(0).integers(0, 256, (9, 4, 4)).astype(np.uint8)
    drawn = bernoulli_draw(grey, seed=3)
    np.testing.assert_array_equal(bernoulli_draw(grey, seed=3), drawn)
    np.testing.assert_array_equal(bernoulli_draw(grey[:4], seed=3), drawn[:4])
    assert (bernoulli_draw(grey, seed=4) != drawn).any()
    assert (bernoulli_draw(grey, seed=3, stream=1) != drawn).any()


def test_script_splits_in_order_and_describes(idx_folder, tmp_path):
    run_binarise(idx_folder, tmp_path / "out")
    sets = {n: load_pixels(tmp_path / f"out/{n}.npz") for n in ("train", "validation", "test")}
    grey = read_images(idx_folder / "train-images-idx3-ubyte")
    expected = (grey > 25.5).reshape(40, 16)
    np.testing.assert_array_equal(sets["validation"].pixels, expected[:8])
    np.testing.assert_array_equal(sets["train"].pixels, expected[8:])
    labels = read_labels(idx_folder / "t10k-labels-idx1-ubyte")
    np.testing.assert_array_equal(sets["test"].labels, labels)
    description = sets["test"].description
    assert description["polarity"] == "ink is 1"
    assert (description["threshold"], description["seed"]) == (0.1, None)
    assert (description["rows"], description["columns"]) == (4, 4)
    names = [f"{name}-ubyte" for name in NAMES]
    contents = [(idx_folder / name).read_bytes() for name in names]
    hashes = [hashlib.sha256(content).hexdigest() for content in contents]
    assert description["sha256"] == dict(zip(names, hashes, strict=True))
    assert sets["train"].identity == sets["test"].identity


def test_drawn_set_names_its_seed(idx_folder, tmp_path):
    run_binarise(idx_folder, tmp_path / "out", method="bernoulli", seed=5)
    description = load_pixels(tmp_path / "out/test.npz").description
    assert (description["threshold"], description["seed"]) == (None, 5)


@pytest.mark.parametrize("order", ["raster", "permuted"])
def test_grey_pixels_are_the_files_levels_in_raster_order(idx_folder, tmp_path, order):
    run_binarise(idx_folder, tmp_path / "out", method="none", threshold=None, order=order)
    sets = {n: load_pixels(tmp_path / f"out/{n}.npz") for n in ("train", "validation", "test")}
    grey = read_images(idx_folder / "train-images-idx3-ubyte").reshape(40, 16)
    np.testing.assert_array_equal(sets["validation"].pixels, grey[:8])
    np.testing.assert_array_equal(sets["train"].pixels, grey[8:])
    assert sets["test"].full == 255
    for each in sets.values():
        told = each.description
        assert (told["binarise"], told["threshold"], told["seed"]) == ("none", None, None)
        assert told.get("order", "raster") == order


def test_an_order_changes_nothing_of_the_pixels_but_what_they_say(idx_folder, tmp_path):
    for order in ("raster", "permuted"):
        run_binarise(idx_folder, tmp_path / order, order=order)
    raster, permuted = (load_pixels(tmp_path / f"{o}/train.npz") for o in ("raster", "permuted"))
    np.testing.assert_array_equal(raster.pixels, permuted.pixels)
    assert permuted.description == raster.description | {"order": "permuted"}


def test_training_and_test_files_are_drawn_by_streams_of_their_own(tmp_path):
    images = images_of(20)
    drawn = {"method": "bernoulli", "seed": 5, "validation_images": 3}
    sets = made(tmp_path, {"x_train": images, "x_test": images}, **drawn)
    first, second = (bernoulli_draw(images, 5, stream).reshape(20, -1) for stream in (0, 1))
    np.testing.assert_array_equal(sets["validation"].pixels, first[:3])
    np.testing.assert_array_equal(sets["train"].pixels, first[3:])
    np.testing.assert_array_equal(sets["test"].pixels, second)
    assert (first != second).any()


def test_training_images_that_are_redrawn_keep_their_grey_values(idx_folder, tmp_path):
    """All else is as without: so are validation and test images, and what is scored."""
    sets = {}
    for name, more in (("once", {}), ("redrawn", {"redraw": "epoch"})):
        run_binarise(idx_folder, tmp_path / name, method="bernoulli", seed=5, **more)
        paths = {
            split: tmp_path / name / f"{split}.npz" for split in ("train", "validation", "test")
        }
        sets[name] = {split: load_pixels(path) for split, path in paths.items()}
    for split in ("validation", "test"):
        once, redrawn = (tmp_path / name / f"{split}.npz" for name in ("once", "redrawn"))
        assert once.read_bytes() == redrawn.read_bytes()
        assert sets["redrawn"][split].grey is None
    once, redrawn = sets["once"]["train"], sets["redrawn"]["train"]
    np.testing.assert_array_equal(once.pixels, redrawn.pixels)
    assert redrawn.description == once.description | {"redraw": "epoch"}
    grey = read_images(idx_folder / "train-images-idx3-ubyte").reshape(40, 16)
    np.testing.assert_array_equal(redrawn.grey, grey[8:])
    assert once.grey is None


def test_grey_values_of_another_scale_have_256_levels(tmp_path):
    images = np.random.default_rng(0).random((20, 4, 6))
    arrays = {"x_train": images, "x_test": images}
    drawn = {"method": "bernoulli", "seed": 1, "redraw": "epoch", "ink": "dark"}
    grey = made(tmp_path, arrays, validation_images=3, **drawn)["train"].grey
    np.testing.assert_array_equal(grey, np.rint(255 * (1 - images[3:])).reshape(17, 24))
    kept = {"method": "none", "ink": "dark"}
    pixels = made(tmp_path, arrays, validation_images=3, **kept)["train"].pixels
    np.testing.assert_array_equal(pixels, grey)


def test_grey_images_without_ink_are_refused(tmp_path):
    dim = np.random.default_rng(0).integers(0, 2, (20, 4, 6)).astype(np.uint8)
    dim[0, 0, 0] = 255
    with pytest.raises(ValueError, match=r"training images: 0\.\d\d % ink; allowed: 0\.5 to 99\.5"):
        made(tmp_path, {"x_train": dim, "x_test": dim}, validation_images=3, method="none")


@pytest.mark.parametrize("validation_images", [-1, 0, 40])
def test_a_split_without_images_is_refused(idx_folder, tmp_path, validation_images):
    with pytest.raises(ValueError, match=r"validation_images is .*; .* allowed: 1 to 39"):
        run_binarise(idx_folder, tmp_path / "out", validation_images=validation_images)


def test_labels_and_images_of_different_counts_are_refused(idx_folder, tmp_path):
    write_idx(idx_folder / "t10k-labels-idx1-ubyte", np.zeros(23, np.uint8))
    with pytest.raises(ValueError, match=r"holds 24 images and .* 23 labels"):
        run_binarise(idx_folder, tmp_path / "out")


def test_labels_beyond_the_classes_are_refused(idx_folder, tmp_path):
    write_idx(idx_folder / "t10k-labels-idx1-ubyte", np.full(24, 10, np.uint8))
    with pytest.raises(ValueError, match="labels go from 0 to 10; allowed: 0 to 9, as classes is"):
        run_binarise(idx_folder, tmp_path / "out", classes=10)


def test_training_and_test_images_of_two_sizes_are_refused(idx_folder, tmp_path):
    write_idx(idx_folder / "t10k-images-idx3-ubyte", np.zeros((24, 4, 5), np.uint8))
    with pytest.raises(ValueError, match=r"several sizes \(train 4 x 4, .*, test 4 x 5\)"):
        run_binarise(idx_folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": None}, "method is threshold and no threshold is given; give one, 0 to 1"),
        ({"method": "bernoulli"}, "method is bernoulli and no seed is given; give one, 0 or above"),
        ({"redraw": "epoch"}, "redraw is epoch and method is threshold, which draws nothing; drop"),
    ],
)
def test_what_the_method_needs_is_asked_for(idx_folder, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        run_binarise(idx_folder, tmp_path / "out", **settings)


def test_pixels_are_made_as_the_model_s():
    grey = np.random.default_rng(0).permutation(256).astype(np.uint8).reshape(8, 32)
    description = {"binarise": "threshold", "threshold": 0.5, "seed": None}
    light, dark = ({**description, "polarity": f"ink is {value}"} for value in (1, 0))
    assert (made_alike(light, grey) == (grey > 127.5)).all()
    assert (made_alike(dark, grey) == (grey < 127.5)).all()
    drawn = {"binarise": "bernoulli", "threshold": None, "seed": 3, "polarity": "ink is 1"}
    assert (made_alike(drawn, grey) == bernoulli_draw(grey, 3)).all()


def images_of(count: int, rows: int = 4, columns: int = 6) -> np.ndarray:
    """Images that differ, with some ink each."""
    return np.random.default_rng(count).integers(0, 256, (count, rows, columns)).astype(np.uint8)


def made(tmp_path, arrays: dict, **settings) -> dict:
    np.savez(tmp_path / "data.npz", **arrays)
    given = {"data": "d", "source": "s", "method": "threshold", "threshold": 0.5}
    return binarise_files([tmp_path / "data.npz"], PixelSettings(**(given | settings)))


def test_a_source_without_test_split_is_cut_at_its_end(tmp_path):
    images = images_of(20)
    sets = made(tmp_path, {"x_train": images}, validation_images=3, test_fraction=0.25)
    flat = (images > 127).reshape(20, -1)
    for name, part in (("validation", flat[:3]), ("train", flat[3:15]), ("test", flat[15:])):
        np.testing.assert_array_equal(sets[name].pixels, part)
        assert sets[name].labels is None
        assert sets[name].description["classes"] == 0
        assert (sets[name].description["rows"], sets[name].description["columns"]) == (4, 6)


def test_a_source_s_own_validation_split_is_used(tmp_path):
    arrays = {"x_train": images_of(9), "x_val": images_of(4), "x_test": images_of(5)}
    sets = made(tmp_path, arrays)
    assert [len(sets[name]) for name in ("train", "validation", "test")] == [9, 4, 5]
    np.testing.assert_array_equal(sets["validation"].pixels, (images_of(4) > 127).reshape(4, -1))


def test_a_published_draw_keeps_its_pixels_and_splits(tmp_path):
    """As binarized_mnist_{train,valid,test}.amat; read by NumPy beside."""
    generator = np.random.default_rng(4)
    for split, count in (("train", 9), ("valid", 4), ("test", 5)):
        path = tmp_path / f"binarized_mnist_{split}.amat"
        np.savetxt(path, generator.random((count, 9)) < 0.13, fmt="%d")
    settings = PixelSettings(data="d", source="s", method="threshold", threshold=0.5)
    sets = binarise_files(found_in(tmp_path).files, settings)
    for name, split in (("train", "train"), ("validation", "valid"), ("test", "test")):
        read = np.loadtxt(tmp_path / f"binarized_mnist_{split}.amat")
        np.testing.assert_array_equal(sets[name].pixels, read)
        assert sets[name].labels is None


def test_transposed_images_are_turned(tmp_path):
    arrays = {"x_train": images_of(9), "x_test": images_of(5)}
    sets = made(tmp_path, arrays, validation_images=2, transpose=True)
    description = sets["test"].description
    assert (description["rows"], description["columns"]) == (6, 4)
    wanted = (images_of(5) > 127).transpose(0, 2, 1).reshape(5, -1)
    np.testing.assert_array_equal(sets["test"].pixels, wanted)


@pytest.mark.parametrize(
    ("labels", "classes", "wanted", "number"),
    [
        ([0, 1, 46], None, [0, 1, 46], 47),
        ([1, 2, 26], None, [0, 1, 25], 26),  # as EMNIST's letters
        ([1, 2, 3], 10, [1, 2, 3], 10),  # some of ten classes
        ([2, 5, 9], None, [2, 5, 9], 10),
        ([0, 1, 300], None, [0, 1, 300], 301),
    ],
)
def test_labels_are_numbered_from_0(tmp_path, labels, classes, wanted, number):
    given = np.tile(labels, 3)
    arrays = {"x_train": images_of(9), "y_train": given, "x_test": images_of(9), "y_test": given}
    sets = made(tmp_path, arrays, validation_images=3, classes=classes)
    assert sets["test"].labels is not None
    assert sets["test"].labels.tolist() == wanted * 3
    assert sets["train"].description["classes"] == number


@pytest.mark.parametrize("label", [-1, 65_536, 2**40])
def test_labels_that_no_class_can_have_are_refused(tmp_path, label):
    labels = np.full(9, label)
    arrays = {"x_train": images_of(9), "y_train": labels, "x_test": images_of(9), "y_test": labels}
    with pytest.raises(ValueError, match=f"labels go from {label} to {label}; allowed: 0 to 65535"):
        made(tmp_path, arrays, validation_images=3)


@pytest.mark.parametrize(("first", "told"), [(0, ""), (65, "65 to 73 and 9 of 74 classes")])
def test_classes_without_images_are_told(tmp_path, capsys, first, told):
    """As labels that are letters' codes leave them."""
    labels = np.arange(first, first + 9)
    arrays = {"x_train": images_of(9), "y_train": labels, "x_test": images_of(9), "y_test": labels}
    made(tmp_path, arrays, validation_images=3)
    said = capsys.readouterr().err
    assert told in said
    assert ("classes have images" in said) == bool(told)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation_images": 3}, "the source has no test split; state test_fraction"),
        ({"validation_images": 3, "test_fraction": 0.01}, "test_fraction is 0.01 of 20 images"),
        ({"test_fraction": 0.5}, "validation_images is None; .* has 10 training images"),
        ({"validation_images": 10, "test_fraction": 0.5}, "validation_images is 10; .*1 to 9"),
    ],
)
def test_a_split_that_is_not_stated_is_asked_for(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        made(tmp_path, {"x_train": images_of(20)}, **settings)


def test_the_same_content_under_another_name_is_the_same(idx_folder, tmp_path):
    """So that a model of MNIST knows its images, however they were unpacked."""
    given = {"data": "d", "source": "s", "method": "threshold", "threshold": 0.1}
    given["validation_images"] = 8
    plain = [idx_folder / f"{name}-ubyte" for name in NAMES]
    other = []
    for path in plain:
        content = gzip.compress(path.read_bytes())
        other.append(tmp_path / f"{path.name.replace('-idx', '.idx')}.gz")
        other[-1].write_bytes(content)
    settings = PixelSettings(**given)
    first, second = (binarise_files(files, settings)["test"] for files in (plain, other))
    assert first.description == second.description
    np.testing.assert_array_equal(first.pixels, second.pixels)


def test_all_splits_have_one_scale(tmp_path):
    """Test images of values 0 and 1 only are as dark as that beside training images up to 255."""
    train, test = images_of(40), (images_of(9) > 100).astype(np.uint8)
    with pytest.raises(ValueError, match=r"test images: 0.00 % .* The largest value is 1: set"):
        made(tmp_path, {"x_train": train, "x_test": test}, validation_images=5)
    # A few dim images are no reason to take their scale for another one.
    dim = images_of(9) // 9  # up to 28, which alone would be of no known scale
    sets = made(tmp_path, {"x_train": train, "x_test": dim}, validation_images=5, threshold=0.05)
    np.testing.assert_array_equal(sets["test"].pixels, at_threshold(dim.reshape(9, -1), 0.05))


def test_dark_ink_at_a_scale_that_the_type_does_not_hold(tmp_path):
    train, test = images_of(40), images_of(9)
    sets = made(
        tmp_path, {"x_train": train, "x_test": test}, validation_images=5, ink="dark", scale=300
    )
    wanted = (300 - test.astype(int)) / 300 > 0.5
    np.testing.assert_array_equal(sets["test"].pixels, wanted.reshape(9, -1))


def test_names_of_classes_go_with_the_pixels(tmp_path):
    """Also of a class that no image shows, which Parquet files may name."""
    write_parts(tmp_path / "hub")
    given = {"data": "d", "source": "s", "method": "threshold", "threshold": 0.3}
    found = found_in(tmp_path / "hub").files
    settings = PixelSettings(**given, validation_images=5)
    out = tmp_path / "out"
    out.mkdir()
    assert binarise(files=found, settings=settings, out=out) == {
        "class_names": dict(enumerate(CLASS_NAMES))
    }
    train = load_pixels(out / "train.npz")
    assert train.description["class_names"] == CLASS_NAMES
    assert train.description["classes"] == len(CLASS_NAMES)


def test_labels_are_read_from_the_stated_column(tmp_path):
    (tmp_path / "a.csv").write_text("".join(f"{i % 3},0,9,9,{i % 2}\n" for i in range(12)))
    given = {"data": "d", "source": "s", "method": "threshold", "threshold": 0.3, "scale": 9}
    given |= {"validation_images": 3, "test_fraction": 0.25}
    for labels, wanted in (("first", [0, 1, 2]), ("last", [1, 0, 1])):
        made = binarise_files([tmp_path / "a.csv"], PixelSettings(**given, labels=labels))
        assert made["test"].labels.tolist() == wanted
