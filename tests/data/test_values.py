"""The scale, the polarity and the ink of images are judged, not guessed at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_digits import grey_digits

from scanline.data.binarise import at_threshold, bernoulli_draw
from scanline.data.values import check_ink, full_scale, intensities

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
    bright, full = intensities(MADE[kind](image))
    np.testing.assert_array_equal(at_threshold(bright, threshold, full), image)
    np.testing.assert_array_equal(bernoulli_draw(bright, 1, full=full), image)


@given(hnp.arrays(np.uint8, (2, 3, 5)), st.floats(0, 1))
def test_a_threshold_is_of_full_scale_whatever_the_type(image, threshold):
    wanted = image / 255 > threshold
    for same in (image, image.astype(np.int32), image / 255, image.astype(np.uint16) * 257):
        full = 65535 if same.dtype == np.uint16 else (1 if same.dtype == float else 255)
        np.testing.assert_array_equal(at_threshold(same, threshold, full), wanted)


def test_a_draw_has_the_value_s_share_as_its_probability():
    levels = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    images = np.tile(levels, (40_000, 1))
    drawn = bernoulli_draw(images, 3, full=1).mean(axis=0)
    # 5 standard errors; 0 and 1 are certain.
    assert (np.abs(drawn - levels) <= 5 * np.sqrt(levels * (1 - levels) / len(images))).all()
    np.testing.assert_array_equal(
        bernoulli_draw(images[:9], 3, full=1), bernoulli_draw(images, 3, full=1)[:9]
    )


@given(hnp.arrays(np.uint8, (2, 3, 5)).filter(lambda a: a.max() >= 32))
def test_dark_ink_is_turned_round(image):
    bright, full = intensities(image, ink="dark")
    np.testing.assert_array_equal(bright, 255 - image)
    assert bright.dtype == np.uint8
    assert full == 255


@pytest.mark.parametrize(
    ("values", "scale", "message"),
    [
        ([0, 16], None, "from 0 to 16: no scale that is known"),
        ([0, 31], None, "from 0 to 31: no scale that is known"),
        ([0, 300], 255, "scale is 255; allowed: 300 or above"),
        ([-1, 1], None, "from -1 to 1; allowed: 0 to 1"),
        ([0, 70_000], None, "from 0 to 70000; allowed"),
        ([0, float("nan")], None, "no finite numbers"),
    ],
)
def test_a_scale_that_cannot_be_told_is_refused(values, scale, message):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        full_scale(np.array(values), scale)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("most", "full"), [(1, 1), (32, 255), (255, 255), (256, 65535), (65535, 65535)]
)
def test_a_scale_is_the_least_that_holds_the_values(most, full):
    assert full_scale(np.array([0, most])) == full


def test_a_stated_scale_counts():
    assert full_scale(np.array([0, 7, 16]), 16) == 16


@pytest.mark.parametrize("pixels", [np.zeros((9, 99)), np.ones((9, 99))])
def test_no_ink_and_all_ink_are_refused_with_the_largest_value(pixels):
    with pytest.raises(ValueError, match=r"digits: .* The largest value is 16: set threshold"):
        check_ink(pixels, np.array([0, 16]), "digits")


def test_more_than_half_ink_is_told(capsys):
    pixels = grey_digits(30, 12, seed=0)[0] > 100
    check_ink(pixels, pixels, "digits")
    assert capsys.readouterr().err == ""
    check_ink(~pixels, pixels, "digits")
    assert "more than half; is the ink dark? Then set ink: dark" in capsys.readouterr().err
