"""Named holes: the pixels that they say, and errors that say what fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanline.holes.named import PARTS, hidden_patch, hidden_run, hidden_sets, sides_of


def picture(hole: str, images: int = 1, seed: int = 0) -> np.ndarray:
    """Which pixels of 28 x 28 are hidden: bool [images, 28, 28]."""
    hidden = hidden_sets(hole, 28, 28, images=images, cut=484, seed=seed)
    assert hidden.dtype == np.int32
    assert (np.diff(hidden, axis=1) > 0).all()
    found = np.zeros((images, 784), bool)
    np.put_along_axis(found, hidden, True, axis=1)
    return found.reshape(images, 28, 28)


@pytest.mark.parametrize("side", [1, 2, 4, 8])
def test_a_square_is_in_the_middle(side):
    hidden = picture(f"{side}x{side}")[0]
    assert hidden.sum() == side**2
    first = (28 - side) // 2
    assert hidden[first : first + side, first : first + side].all()


def test_a_run_begins_at_the_cut():
    for length in (10, 28):
        assert np.flatnonzero(picture(f"run-{length}")).tolist() == list(range(484, 484 + length))


def test_halves_and_quadrants():
    assert picture("upper-half")[0, :14].all()
    assert picture("lower-half")[0, 14:].all()
    assert picture("left-half")[0, :, :14].all()
    assert picture("right-half")[0, :, 14:].all()
    assert picture("upper-right")[0, :14, 14:].all()
    assert not picture("all-but-lower-left")[0, 14:, :14].any()
    sizes = {"upper-right": 196, "all-but-lower-left": 588}
    for hole in (*PARTS, "random-half"):
        assert (picture(hole, images=3).sum(axis=(1, 2)) == sizes.get(hole, 392)).all()


def test_a_share_of_random_pixels():
    hidden = picture("random-0.8", images=50)
    assert (hidden.sum(axis=(1, 2)) == round(0.8 * 784)).all()
    assert len(np.unique(hidden.reshape(50, -1), axis=0)) == 50


def test_a_rectangle_anywhere_takes_every_place():
    hidden = np.zeros((3000, 5, 4), bool)
    flat = hidden_sets("anywhere-2x3", 5, 4, images=3000, cut=0, seed=0)
    np.put_along_axis(hidden.reshape(3000, -1), flat, True, axis=1)
    assert (hidden_sets("anywhere-2x3", 5, 4, images=9, cut=0, seed=0) == flat[:9]).all()
    corners = flat[:, 0]
    found, counts = np.unique(corners, return_counts=True)
    assert found.tolist() == [row * 4 + column for row in range(4) for column in range(2)]
    # Each of 8 places in 375 of 3,000 images: 5 standard errors of sqrt(3000 * 7 / 64).
    assert np.abs(counts - 375).max() < 5 * 18.2
    for corner, each in zip(corners, hidden, strict=True):
        row, column = divmod(int(corner), 4)
        assert each[row : row + 2, column : column + 3].all()


def test_random_pixels_are_the_seed_s_and_differ_from_image_to_image():
    hidden = picture("random-half", images=200, seed=3)
    assert (hidden == picture("random-half", images=200, seed=3)).all()
    assert (hidden[:20] == picture("random-half", images=20, seed=3)).all()
    assert (hidden != picture("random-half", images=200, seed=4)).any()
    assert len(np.unique(hidden.reshape(200, -1), axis=0)) == 200
    # Each pixel is hidden in half of 200 images: 5 standard errors of sqrt(1/4/200).
    assert np.abs(hidden.mean(axis=0) - 0.5).max() < 5 * 0.0354


@pytest.mark.parametrize(
    ("hole", "like"),
    [("0.3x0.3", "6x3"), ("0.5x4", "10x4"), ("0.01x0.01", "1x1"), ("run-0.1", "run-20")],
)
def test_a_share_is_one_of_rows_columns_or_pixels(hole, like):
    given = dict(rows=20, columns=10, images=2, cut=50, seed=0)
    np.testing.assert_array_equal(hidden_sets(hole, **given), hidden_sets(like, **given))


def test_a_rectangle_lies_in_the_middle():
    hidden = np.zeros((8, 6), bool)
    hidden.flat[hidden_sets("4x2", 8, 6, images=1, cut=0, seed=0)[0]] = True
    wanted = np.zeros((8, 6), bool)
    wanted[2:6, 2:4] = True
    np.testing.assert_array_equal(hidden, wanted)


@pytest.mark.parametrize(
    ("hole", "message"),
    [
        ("upper-third", "a hole is 'upper-third'; allowed: run-28, 4x4"),
        ("random-2", "a hole is 'random-2'; allowed"),
        ("anywhere-30x3", "30 x 3"),
        ("2x", "a hole is '2x'; allowed"),
        ("0.3", "a hole is '0.3'; allowed"),
        ("2.7x2", "a hole is '2.7x2'; allowed"),
        ("run-10.5", "a hole is 'run-10.5'; allowed"),
        ("run-", "a hole is 'run-'; allowed"),
        ("run-301", "a hidden run is 301 pixels; from cut 484"),
        ("29x29", "29 x 29"),
        ("0x0", "0 x 0"),
    ],
)
def test_other_holes_are_refused(hole, message):
    with pytest.raises(ValueError, match=message):
        hidden_sets(hole, 28, 28, images=1, cut=484, seed=0)


@given(st.integers(2, 900), st.data())
def test_a_run_is_what_follows_the_cut(n_pixels, data):
    cut = data.draw(st.integers(1, n_pixels - 1))
    length = data.draw(st.integers(1, n_pixels - cut))
    assert hidden_run(cut, length, n_pixels).tolist() == list(range(n_pixels))[cut:][:length]


@given(st.integers(2, 900), st.data())
def test_a_run_beyond_the_image_is_refused(n_pixels, data):
    cut = data.draw(st.integers(0, n_pixels - 1))
    length = data.draw(st.integers(n_pixels - cut + 1, 2 * n_pixels))
    with pytest.raises(ValueError, match=f"is {length} pixels; .* allowed: 1 to {n_pixels - cut}"):
        hidden_run(cut, length, n_pixels)


@given(st.integers(2, 30), st.integers(2, 30), st.data())
def test_a_patch_is_a_rectangle_of_the_image(rows, columns, data):
    high, wide = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns))
    row, column = data.draw(st.integers(0, rows - high)), data.draw(st.integers(0, columns - wide))
    image = np.zeros((rows, columns), bool)
    image[row : row + high, column : column + wide] = True
    flat = hidden_patch(row, column, (high, wide), rows, columns)
    assert flat.tolist() == np.flatnonzero(image).tolist()


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (3, 0), (0, 2)])
def test_a_patch_outside_is_refused(row, column):
    with pytest.raises(ValueError, match=r"2 x 3 at .* does not lie inside the image of 4 x 4"):
        hidden_patch(row, column, (2, 3), 4, 4)


def test_a_name_tells_rows_and_columns_or_their_shares():
    assert sides_of("2x3", 20, 10) == (2, 3)
    assert sides_of("0.1x0.2", 20, 10) == (2, 2)
    assert sides_of("0.01x10", 20, 10) == (1, 10)
    for hole in ("0x1", "21x1", "1x11"):
        with pytest.raises(ValueError, match="does not lie inside the image of 20 x 10"):
            sides_of(hole, 20, 10)


@pytest.mark.parametrize("hole", ["x", "2", "-1x-1", "run-2", "1.5x1"])
def test_holes_that_are_no_rectangles_are_refused(hole):
    with pytest.raises(ValueError, match=f"a hole is '{hole}'; allowed: rectangles"):
        sides_of(hole, 20, 10)
