"""Images as a caller gives them: which shapes and values are taken, and what is refused."""

import numpy as np
import pytest

from scanline.data.binarise import at_threshold, bernoulli_draw
from scanline.data.given import as_pixels

THRESHOLD = {"rows": 2, "columns": 3, "binarise": "threshold", "threshold": 0.1}
THRESHOLD |= {"polarity": "ink is 1"}
DRAWN = THRESHOLD | {"binarise": "bernoulli", "seed": 5}
KEPT_GREY = THRESHOLD | {"binarise": "none", "threshold": None, "order": "permuted"}
GREY = np.random.default_rng(0).integers(0, 256, (4, 2, 3)).astype(np.uint8)
BINARY = (GREY > 100).astype(np.uint8)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, float])
@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 6)])
def test_zeros_and_ones_of_any_type_stay(dtype, shape):
    pixels = as_pixels(BINARY.reshape(shape).astype(dtype), THRESHOLD)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, BINARY.reshape(4, 6))


@pytest.mark.parametrize("shape", [(2, 3), (6,)])
def test_a_single_image_has_no_n(shape):
    np.testing.assert_array_equal(as_pixels(BINARY[0].reshape(shape), THRESHOLD), BINARY[0].ravel())


@pytest.mark.parametrize(
    "grey",
    [GREY, GREY.astype(int), GREY.astype(float), GREY / 255, GREY.astype(np.uint16) * 257],
)
def test_grey_images_become_binary_as_the_model_s(grey):
    flat = GREY.reshape(4, 6)
    np.testing.assert_array_equal(as_pixels(grey, THRESHOLD), at_threshold(flat, 0.1))
    np.testing.assert_array_equal(as_pixels(grey, DRAWN), bernoulli_draw(flat, 5))
    np.testing.assert_array_equal(as_pixels(grey, KEPT_GREY), flat)  # in raster order


def test_a_list_of_lists_is_an_image():
    assert as_pixels([[0, 1, 0], [1, 1, 0]], THRESHOLD).tolist() == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((4, 3, 2)),
            r"images has shape \(4, 3, 2\); allowed: \[N, 2, 3\] or \[N, 6\]",
        ),
        (np.zeros((0, 6)), r"images has shape \(0, 6\)"),
        (np.zeros((4, 2, 3, 1)), r"images has shape \(4, 2, 3, 1\)"),
        (GREY * 2.0, r"values of images go from .* to \d{3}, and no scale that is known"),
        (BINARY * 2.0 - 1, "values of images go from -1 to 1; allowed"),
        (BINARY * 16, "from 0 to 16, and no scale that is known .* bring them to 0 to 255"),
        (np.full((2, 3), np.nan), "values of images are not all finite"),
        (np.full((2, 3), "ink"), "values of images are of type <U3"),
        (BINARY * 0.05, "images: no pixel is ink, and the largest value is 0.05"),
        (np.full((2, 3), 255), "images: every pixel is ink, and the largest value is 255"),
    ],
)
def test_what_is_unclear_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        as_pixels(images, THRESHOLD)


def test_dark_ink_is_turned_round():
    for grey in (GREY, BINARY, BINARY.astype(bool)):
        full = grey.max()
        flat = (full - grey if grey.dtype != bool else ~grey).reshape(4, 6)
        np.testing.assert_array_equal(
            as_pixels(grey, THRESHOLD, ink="dark"), at_threshold(flat, 0.1, full)
        )


@pytest.mark.parametrize("value", [0, 1])
def test_a_blank_image_of_pixels_is_one(value):
    assert as_pixels(np.full((2, 3), value), THRESHOLD).tolist() == [value] * 6


@pytest.mark.parametrize("dtype", [bool, np.uint8, float])
def test_ink_and_paper_are_the_ends_of_grey(dtype):
    """Also in an image of paper alone, which is one."""
    for images in (BINARY, np.zeros((4, 2, 3))):
        found = as_pixels(images.astype(dtype), KEPT_GREY)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, 255 * images.reshape(4, 6))
