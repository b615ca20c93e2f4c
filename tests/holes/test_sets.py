"""Sets of hidden pixels: filled, read, and what docs/bad-input.md says of those that cannot be."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from refusals import Cases, command

from scanline.holes.sets import as_hole, check_hidden, filled, values_at

cases = Cases()


@cases.add
def hidden_cut_outside(study):
    return study.hide(cut=16, runs=1)


@cases.add
def hidden_run_outside(study):
    return study.hide(cut=9, runs=8)


@cases.add
def hidden_patch_outside(study):
    test = study.pixels / "test.npz"
    rest = {"images": 5, "mean": 1, "sd": 1, "seed": 0, "out": study.out}
    return command("hide_patches", test=test, holes="5x5", **rest)


@cases.add
def hidden_none(study):
    return study.hide(cut=9, runs=0)


@cases.add
def patches_outside(study):
    return study.infer(np.full((24, 1), 16))


@cases.add
def patches_none(study):
    return study.infer(np.zeros((24, 0)))


@pytest.mark.parametrize("name", sorted(cases))
def test_refused(name, study, capfd):
    cases.check(name, study, capfd)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([], "no pixel is hidden"),
        ([3, 16], "the pixel 16, outside the image; allowed: 0 to 15"),
        ([-1], "the pixel -1, outside"),
        ([2, 2], r"\[2, 2\]; allowed: .* none of them twice"),
    ],
)
def test_hidden_pixels_that_cannot_be_are_refused(hidden, message):
    with pytest.raises(ValueError, match=message):
        as_hole(hidden, 16)


@given(st.sets(st.integers(0, 15), min_size=1))
@example(set(range(16)))
def test_hidden_pixels_come_back_ascending(hidden):
    assert as_hole(list(hidden)[::-1], 16).tolist() == sorted(hidden)


def test_a_hole_is_filled_and_read_in_its_places():
    pixels = np.zeros((2, 5), np.uint8)
    hidden, values = np.array([[0, 3], [1, 4]]), np.array([[1, 0], [1, 1]])
    found = filled(pixels, hidden, values)
    assert found.tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 1]]
    assert found.dtype == np.uint8
    assert (values_at(found, hidden) == values).all()
    assert not pixels.any()


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([[1, 8]], "hidden has the pixel 8, outside the image; allowed: 0 to 7"),
        ([[-1, 2]], "hidden has the pixel -1, outside"),
        ([[2, 1]], r"hidden of image 0 is \[2, 1\]; allowed: .* ascending"),
        ([[2, 2]], "none of them twice"),
        ([[1], [2]], r"hidden has shape \(2, 1\) and pixels \(1, 8\)"),
        ([1, 2], r"hidden has shape \(2,\)"),
    ],
)
def test_places_that_do_not_fit_the_images_are_refused(hidden, message):
    with pytest.raises(ValueError, match=message):
        check_hidden(np.array(hidden), (1, 8))
