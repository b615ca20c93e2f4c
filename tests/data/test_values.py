"""The scale, the polarity and the ink of images are judged, not guessed at."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_digits import grey_digits

from scanline.data.binarise import at_threshold, bernoulli_draw
from scanline.data.values import check_ink, check_not_blank, full_scale, with_bright_ink

BINARY = hnp.arrays(np.uint8, (3, 4, 4), elements=st.integers(0, 1)).filter(lambda a: a.any())
MADE = {  # the same binary image at every scale
    "bool": lambda image: image.astype(bool),
    "0 and 1": lambda image: image,
    "0 and 1, float32": lambda image: image.astype(np.float32),
    "255": lambda image: 255 * image,
    "255, float64": lambda image: 255.0 * image,
    "65535": lambda image: image.astype(np.uint16) * 65535,
    "int32": lambda image: image.astype(np.int32) * 255,
}


@pytest.mark.parametrize("kind", MADE)
@given(image=BINARY, threshold=st.floats(0, 0.99))
def test_a_binary_image_is_the_same_at_every_scale(kind, image, threshold):
    made = MADE[kind](image)
    full = full_scale([made])
    for values, wanted in ((made, image), (with_bright_ink(made, full, "dark"), 1 - image)):
        np.testing.assert_array_equal(at_threshold(values, threshold, full), wanted)
        np.testing.assert_array_equal(bernoulli_draw(values, 1, full=full), wanted)


@given(hnp.arrays(np.uint8, (2, 3, 5)), st.floats(0, 1))
def test_a_threshold_is_of_full_scale_whatever_the_type(image, threshold):
    wanted = image / 255 > threshold
    for same in (image, image.astype(np.int32), image / 255, image.astype(np.uint16) * 257):
        full = 65535 if same.dtype == np.uint16 else (1 if same.dtype == float else 255)
        np.testing.assert_array_equal(at_threshold(same, threshold, full), wanted)


@given(hnp.arrays(np.uint8, (2, 3, 5)), st.integers(0, 9))
def test_a_draw_is_the_same_at_every_scale(image, seed):
    wanted = bernoulli_draw(image, seed)
    for same, full in (
        (image.astype(int), 255),
        (image / 255, 1),
        (image.astype(int) * 257, 65535),
    ):
        np.testing.assert_array_equal(bernoulli_draw(same, seed, full=full), wanted)


def test_a_draw_has_the_value_s_share_as_its_probability():
    levels = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    images = np.tile(levels, (40_000, 1))
    drawn = bernoulli_draw(images, 3, full=1).mean(axis=0)
    # 5 standard errors; 0 and 1 are certain.
    assert (np.abs(drawn - levels) <= 5 * np.sqrt(levels * (1 - levels) / len(images))).all()
    np.testing.assert_array_equal(
        bernoulli_draw(images[:9], 3, full=1), bernoulli_draw(images, 3, full=1)[:9]
    )


TYPES = st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])


@given(
    hnp.arrays(np.uint8, (2, 3, 5), elements=st.integers(0, 100)),
    TYPES,
    st.integers(100, 70_000) | st.floats(100, 70_000),
)
def test_dark_ink_is_turned_round_at_any_scale(image, dtype, scale):
    values = image.astype(dtype)
    full = full_scale([values], scale)
    turned = with_bright_ink(values, full, "dark")
    wanted = scale - image.astype(float)
    np.testing.assert_allclose(turned, wanted, rtol=1e-6)  # as of float32
    if dtype == np.uint8 and scale == 255:
        assert turned.dtype == np.uint8


@pytest.mark.parametrize(
    ("values", "scale", "message"),
    [
        ([0, 16], None, "from 0 to 16, and no scale that is known .* (scale: 16, say, in config"),
        ([0, 31], None, "from 0 to 31, and no scale that is known .* (scale: 16, say, in config"),
        ([0, 4095], None, "from 0 to 4095, and no scale .* (scale: 4095, say, in config.yaml)"),
        ([0, 300], 255, "scale is 255; allowed: 0 to scale"),
        ([-1, 1], None, "from -1 to 1; allowed: 0 to 1"),
        ([-1, 1], 9, "from -1 to 1 and scale is 9; allowed: 0 to scale"),
        ([0, 70_000], None, "from 0 to 70000; allowed"),
        ([0, float("nan")], None, "not all finite"),
        (["ink"], None, "of type <U3"),
        ([1j], None, "of type complex128"),
    ],
)
def test_a_scale_that_cannot_be_told_is_refused(values, scale, message):
    line = ".*".join(map(re.escape, message.split(" .* ")))
    with pytest.raises(ValueError, match=line):
        full_scale([np.array(values)], scale)


@given(st.integers(8, 16), st.data())
def test_10_to_14_bits_are_taken_for_no_other_scale(bits, data):
    """Their largest value, as far as it uses half of the scale."""
    most = 2**bits - 1
    largest = data.draw(st.integers(2 ** (bits - 1), most))
    images = [np.array([[[0, largest]]], np.uint16)]
    if bits in (8, 16):
        assert full_scale(images) == most
    elif bits < 15:
        with pytest.raises(ValueError, match=f"from 0 to {largest}, and no scale that is known"):
            full_scale(images)
    assert full_scale(images, most) == most


def test_images_that_are_given_together_have_one_scale():
    dim, full = np.array([[0, 1]]), np.array([[0, 200]], np.uint8)
    assert full_scale([dim, full]) == full_scale([full, dim]) == 255
    assert full_scale([dim]) == 1


@pytest.mark.parametrize(
    ("most", "full"), [(1, 1), (32, 255), (255, 255), (16384, 65535), (65535, 65535)]
)
def test_a_scale_is_the_least_that_holds_the_values(most, full):
    assert full_scale([np.array([0, most])]) == full


def test_a_stated_scale_counts():
    assert full_scale([np.array([0, 7, 16])], 16) == 16


@pytest.mark.parametrize("pixels", [np.zeros((9, 99)), np.ones((9, 99))])
def test_no_ink_and_all_ink_are_refused_with_the_largest_value(pixels):
    with pytest.raises(ValueError, match=r"digits: .* The largest value is 16: set threshold"):
        check_ink(pixels.mean(), 16, "digits")


@pytest.mark.parametrize(("ink", "other"), [("light", "dark"), ("dark", "light")])
def test_more_than_half_ink_is_told_and_the_other_ink_advised(ink, other, capsys):
    pixels = grey_digits(30, 12, seed=0)[0] > 100
    check_ink(pixels.mean(), 1, "digits", ink)
    assert capsys.readouterr().err == ""
    check_ink((~pixels).mean(), 1, "digits", ink)
    told = capsys.readouterr().err
    assert f"more than half; is the ink {other}? Then set ink: {other}" in told


def test_a_blank_image_is_refused_and_a_single_pixel_of_ink_taken():
    for blank, told in ((np.zeros((1, 999)), "no pixel is ink"), (np.ones((1, 9)), "every pixel")):
        with pytest.raises(ValueError, match=rf"mine: {told}.* the largest value is 7; set ink"):
            check_not_blank(blank, 7, "mine")
    check_not_blank(np.eye(999)[:1], 7, "mine")
    check_not_blank(np.arange(9, 18), 7, "mine")  # grey, without a pixel of pure paper
