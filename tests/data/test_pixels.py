"""Sets of pixels: sound ones, their files, and the refusal to mix two kinds."""

from dataclasses import replace

import numpy as np
import pytest

from scanline.data.pixels import (
    PixelSet,
    check_predictable,
    in_words,
    load_pixels,
    same_pixels,
    save_pixels,
)


def test_a_set_survives_its_file(pixel_set, tmp_path):
    save_pixels(tmp_path / "test.npz", pixel_set)
    loaded = load_pixels(tmp_path / "test.npz")
    np.testing.assert_array_equal(loaded.pixels, pixel_set.pixels)
    np.testing.assert_array_equal(loaded.labels, pixel_set.labels)
    assert loaded.description == pixel_set.description


def test_grey_values_go_with_their_images(pixel_set, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (24, 16), np.uint8)
    save_pixels(tmp_path / "train.npz", replace(pixel_set, grey=grey))
    loaded = load_pixels(tmp_path / "train.npz")
    np.testing.assert_array_equal(loaded.grey, grey)
    np.testing.assert_array_equal(loaded.first(5).grey, grey[:5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": np.zeros((24, 15), np.uint8)}, r"shape \(24, 15\); images of 4 x 4"),
        ({"pixels": np.full((24, 16), 2, np.uint8)}, "uint8 up to 2"),
        ({"pixels": np.zeros((24, 16), np.int64)}, "int64"),
        (
            {"grey": np.zeros((24, 15), np.uint8)},
            r"grey is uint8 of shape \(24, 15\); .* \(24, 16\)",
        ),
        ({"grey": np.zeros((24, 16))}, "grey is float64"),
        ({"labels": np.zeros(23, np.uint8)}, r"24 images have labels of shape \(23,\)"),
        ({"labels": np.full(24, 10, np.uint8)}, "a label is 10; allowed: 0 to 9, one for each"),
    ],
)
def test_an_unsound_set_is_refused(pixel_set, change, message):
    parts = {"pixels": pixel_set.pixels, "labels": pixel_set.labels} | change
    with pytest.raises(ValueError, match=message):
        PixelSet(**parts, description=pixel_set.description)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("order", "permuted", "order is 'raster' there and 'permuted' here"),
        ("binarise", "none", "binarise is 'threshold' there and 'none' here"),
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


def test_of_several_files_the_one_with_other_content_is_named(pixel_set):
    name = "t10k-labels-idx1-ubyte"
    other = pixel_set.description | {"sha256": pixel_set.description["sha256"] | {name: "0"}}
    with pytest.raises(ValueError, match=f": the content of {name} differs"):
        same_pixels(pixel_set.identity, other, "the model")


ELSEWHERE = {"source": "elsewhere", "seed": 3, "sha256": {}}


@pytest.mark.parametrize(
    ("change", "other_data", "way_out"),
    [
        (ELSEWHERE, False, "They are made alike: --other-data takes them all the same"),
        (ELSEWHERE, None, "Use pixels of the same data, or train on these"),
        (ELSEWHERE | {"rows": 9}, False, "Use pixels made alike, or train on these"),
        (ELSEWHERE | {"rows": 9}, None, "Use pixels made alike, or train on these"),
        (ELSEWHERE | {"rows": 9}, True, "Use pixels made alike, or train on these"),
    ],
)
def test_a_refusal_says_what_can_be_done(pixel_set, change, other_data, way_out):
    with pytest.raises(ValueError, match=rf"\. {way_out}$"):
        same_pixels(pixel_set.identity, pixel_set.description | change, "the model", other_data)


def test_other_data_that_is_made_alike_is_taken_on_demand(pixel_set):
    same_pixels(pixel_set.identity, pixel_set.description | ELSEWHERE, "the model", True)


def test_a_set_may_be_empty_or_of_a_single_class(pixel_set):
    assert len(PixelSet(np.zeros((0, 16), np.uint8), None, pixel_set.description)) == 0
    assert len(pixel_set.chosen(np.arange(0))) == 0
    one = PixelSet(pixel_set.pixels, np.zeros(24, np.uint8), pixel_set.description | {"classes": 1})
    assert one.labels_or_zeros.tolist() == [0] * 24


def test_splits_of_one_set_are_the_same_pixels(pixel_sets):
    same_pixels(pixel_sets["train"].identity, pixel_sets["test"].description, "the model")


def test_the_first_images_of_a_set(pixel_set):
    assert pixel_set.first(0).pixels.shape == (24, 16)
    np.testing.assert_array_equal(pixel_set.first(5).labels, pixel_set.labels[:5])
    with pytest.raises(ValueError, match="25 images are asked for; test has 24"):
        pixel_set.first(25)


def test_zeros_stand_for_labels_that_are_not_there(pixel_set):
    bare = PixelSet(pixel_set.pixels, None, pixel_set.description | {"classes": 0})
    found = bare.labels_or_zeros
    assert found.dtype == pixel_set.labels_or_zeros.dtype == np.uint8
    assert found.tolist() == [0] * 24
    assert pixel_set.labels_or_zeros is pixel_set.labels


def test_grey_pixels_have_256_levels_and_survive_their_file(grey_sets, tmp_path):
    grey = grey_sets["test"]
    assert grey.pixels.max() > 1
    save_pixels(tmp_path / "test.npz", grey)
    np.testing.assert_array_equal(load_pixels(tmp_path / "test.npz").pixels, grey.pixels)
    with pytest.raises(ValueError, match=r"int64 up to \d+; allowed: uint8 0 to 255"):
        replace(grey, pixels=grey.pixels.astype(np.int64))


def test_pixels_that_name_no_order_are_read_in_raster_order(pixel_set):
    """As in descriptions that are older than the order."""
    assert "order" not in pixel_set.description
    named = pixel_set.description | {"order": "raster"}
    same_pixels(pixel_set.identity, named, "the model")
    same_pixels(named, pixel_set.identity, "the model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"binarise": "none"}, "the pixels are grey .* only classifiers read such; use a data set"),
        (
            {"order": "permuted"},
            r"only classifiers read pixels in another order \(order: permuted\)",
        ),
    ],
)
def test_what_only_classifiers_read_is_refused_in_one_line(pixel_set, change, message):
    check_predictable(pixel_set.description)
    with pytest.raises(ValueError, match=message) as refusal:
        check_predictable(pixel_set.description | change)
    assert "\n" not in str(refusal.value)


def test_a_description_in_words(pixel_sets, grey_sets):
    assert in_words(pixel_sets["train"].description) == "threshold 0.1, ink is 1"
    assert in_words(grey_sets["train"].description) == "grey, ink is 1, order permuted"
