"""Binarising, splits, and the refusal to mix two kinds of pixels."""

import numpy as np
import pytest

from binarise import binarise
from scanline.data.binarise import at_threshold, bernoulli_draw
from scanline.data.idx import read_idx, write_idx
from scanline.data.pixels import PixelSet, load_pixels, same_pixels, save_pixels

NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def run_binarise(folder, out, **settings):
    files = [folder / f"{name}-ubyte" for name in NAMES]
    settings = {"data": "tiny", "source": "generated", "validation_images": 8} | settings
    out.mkdir(exist_ok=True)
    binarise(
        train_images=files[0],
        train_labels=files[1],
        test_images=files[2],
        test_labels=files[3],
        out=out,
        **settings,
    )


def test_threshold_is_strict_and_ink_is_one():
    grey = np.array([0, 25, 26, 51, 52, 255], np.uint8)
    assert at_threshold(grey, 0.1).tolist() == [0, 0, 1, 1, 1, 1]  # 25.5 of 255
    assert at_threshold(grey, 0.2).tolist() == [0, 0, 0, 0, 1, 1]  # 51 of 255 is not above
    assert at_threshold(grey, 1.0).tolist() == [0] * 6


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
    grey = read_idx(idx_folder / "train-images-idx3-ubyte", 3)
    expected = (grey > 25.5).reshape(40, 16)
    np.testing.assert_array_equal(sets["validation"].pixels, expected[:8])
    np.testing.assert_array_equal(sets["train"].pixels, expected[8:])
    labels = read_idx(idx_folder / "t10k-labels-idx1-ubyte", 1)
    np.testing.assert_array_equal(sets["test"].labels, labels)
    description = sets["test"].description
    assert description["polarity"] == "ink is 1"
    assert (description["threshold"], description["seed"]) == (0.1, None)
    assert (description["rows"], description["columns"]) == (4, 4)
    assert set(description["sha256"]) == {f"{name}-ubyte" for name in NAMES}
    assert sets["train"].identity == sets["test"].identity


def test_drawn_set_names_its_seed(idx_folder, tmp_path):
    run_binarise(idx_folder, tmp_path / "out", method="bernoulli", seed=5)
    description = load_pixels(tmp_path / "out/test.npz").description
    assert (description["threshold"], description["seed"]) == (None, 5)


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
    with pytest.raises(ValueError, match="a label is 10; allowed: 0 to 9"):
        run_binarise(idx_folder, tmp_path / "out")


def test_training_and_test_images_of_two_sizes_are_refused(idx_folder, tmp_path):
    write_idx(idx_folder / "t10k-images-idx3-ubyte", np.zeros((24, 4, 5), np.uint8))
    with pytest.raises(ValueError, match=r"images of 4 x 4 and .* of 4 x 5"):
        run_binarise(idx_folder, tmp_path / "out")


def test_a_set_survives_its_file(pixel_set, tmp_path):
    save_pixels(tmp_path / "test.npz", pixel_set)
    loaded = load_pixels(tmp_path / "test.npz")
    np.testing.assert_array_equal(loaded.pixels, pixel_set.pixels)
    np.testing.assert_array_equal(loaded.labels, pixel_set.labels)
    assert loaded.description == pixel_set.description


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": np.zeros((24, 15), np.uint8)}, r"shape \(24, 15\); images of 4 x 4"),
        ({"pixels": np.full((24, 16), 2, np.uint8)}, "uint8 up to 2"),
        ({"pixels": np.zeros((24, 16), np.int64)}, "int64"),
        ({"labels": np.zeros(23, np.uint8)}, r"24 images have labels of shape \(23,\)"),
    ],
)
def test_an_unsound_set_is_refused(pixel_set, change, message):
    parts = {"pixels": pixel_set.pixels, "labels": pixel_set.labels} | change
    with pytest.raises(ValueError, match=message):
        PixelSet(**parts, description=pixel_set.description)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("polarity", "ink is 0", "polarity is 'ink is 1' there and 'ink is 0' here"),
        ("threshold", 0.5, "threshold is 0.1 there and 0.5 here"),
        ("binarise", "bernoulli", "binarise is 'threshold' there"),
        ("source", "fashion-mnist", "source is 'generated' there and 'fashion-mnist' here"),
        ("rows", 28, "rows is 4 there and 28 here"),
        ("sha256", {}, "the content of t10k-images-idx3-ubyte, .* differs"),
    ],
)
def test_other_pixels_are_refused_by_name(pixel_set, key, value, message):
    other = pixel_set.description | {key: value}
    with pytest.raises(ValueError, match=f"^the model m.keras belongs to other .*{message}"):
        same_pixels(pixel_set.identity, other, "the model m.keras")


def test_splits_of_one_set_are_the_same_pixels(pixel_sets):
    same_pixels(pixel_sets["train"].identity, pixel_sets["test"].description, "the model")


def test_the_first_images_of_a_set(pixel_set):
    assert pixel_set.first(0).pixels.shape == (24, 16)
    np.testing.assert_array_equal(pixel_set.first(5).labels, pixel_set.labels[:5])
    with pytest.raises(ValueError, match="25 images are asked for; test has 24"):
        pixel_set.first(25)
