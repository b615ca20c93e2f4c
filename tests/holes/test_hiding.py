"""Hidden pixels: always inside the image, some but not all, and the report's own choice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hide_patches import hide_patches
from hide_pixels import hide_pixels
from scanline.files import load_arrays
from scanline.holes.hiding import choose_images, draw_patches
from scanline.holes.named import hidden_patch, hidden_run, patch_size
from scanline.holes.sets import as_hole


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
def test_a_patch_is_a_square_of_the_image(rows, columns, data):
    size = data.draw(st.integers(1, min(rows, columns) - 1))
    row = data.draw(st.integers(0, rows - size))
    column = data.draw(st.integers(0, columns - size))
    image = np.zeros((rows, columns), bool)
    image[row : row + size, column : column + size] = True
    flat = hidden_patch(row, column, size, rows, columns)
    assert flat.tolist() == np.flatnonzero(image).tolist()


@pytest.mark.parametrize(("row", "column"), [(-1, 0), (0, -1), (3, 0), (0, 3)])
def test_a_patch_outside_is_refused(row, column):
    with pytest.raises(ValueError, match="does not lie inside the image of 4 x 4"):
        hidden_patch(row, column, 2, 4, 4)


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([], "no pixel is hidden"),
        (range(16), "all 16 pixels"),
        ([3, 16], "the pixel 16, outside the image; allowed: 0 to 15"),
        ([-1], "the pixel -1, outside"),
        ([2, 2], r"\[2, 2\]; allowed: .* none of them twice"),
    ],
)
def test_hidden_pixels_that_cannot_be_are_refused(hidden, message):
    with pytest.raises(ValueError, match=message):
        as_hole(hidden, 16)


@given(st.sets(st.integers(0, 15), min_size=1, max_size=15))
def test_hidden_pixels_come_back_ascending(hidden):
    assert as_hole(list(hidden)[::-1], 16).tolist() == sorted(hidden)


def test_the_report_choice_of_images():
    chosen = choose_images(10_000, 100, seed=0)
    expected = np.random.RandomState(0).choice(10_000, 100, replace=False)
    np.testing.assert_array_equal(chosen, expected)
    # The first of them, as the statement printed them once: a change of NumPy would show.
    assert chosen[:5].tolist() == [9394, 898, 2398, 5906, 2343]


@pytest.mark.parametrize("images", [0, 25])
def test_more_images_than_there_are_are_refused(images):
    with pytest.raises(ValueError, match=f"images is {images}; the set has 24"):
        choose_images(24, images, seed=0)


def test_patches_are_about_normal_and_inside(pixel_set):
    def corners(sd):
        drawn = draw_patches(pixel_set, 2, images=24, mean=1.0, sd=sd, seed=1)
        return np.stack(np.divmod(drawn.hidden[:, 0], 4), axis=1)

    assert (corners(0.0) == 1).all()
    wide = corners(50.0)
    assert wide.min() == 0
    assert wide.max() == 2  # a patch of 2 x 2 in 4 x 4
    np.testing.assert_array_equal(corners(50.0), wide)


def test_script_writes_runs(pixels_folder, tmp_path):
    hide_pixels(test=pixels_folder / "test.npz", images=5, cut=9, runs=(7, 1), out=tmp_path)
    arrays, description = load_arrays(tmp_path / "hidden.npz", "pixels", "labels", "indices")
    test, _ = load_arrays(pixels_folder / "test.npz", "pixels", "labels")
    np.testing.assert_array_equal(arrays["pixels"], test["pixels"][arrays["indices"]])
    np.testing.assert_array_equal(arrays["labels"], test["labels"][arrays["indices"]])
    assert (description["cut"], description["hidden_runs"]) == (9, [1, 7])
    assert description["polarity"] == "ink is 1"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cut": 484}, "cut is 484, outside the image; allowed: 0 to 15"),
        ({"cut": 9, "runs": (8,)}, "a hidden run is 8 pixels; from cut 9 on the image has 7 left"),
        ({"cut": 0, "runs": (16,)}, "all 16 pixels"),
        ({"cut": 9, "runs": ()}, "runs is empty"),
    ],
)
def test_script_refuses_runs_that_do_not_fit(pixels_folder, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        hide_pixels(test=pixels_folder / "test.npz", images=5, out=tmp_path, **settings)
    assert not (tmp_path / "hidden.npz").exists()


def test_script_writes_patches_in_the_form_of_the_assignment(pixels_folder, tmp_path):
    hide_patches(test=pixels_folder / "test.npz", images=6, mean=1.0, sd=1.0, out=tmp_path)
    for hole, k in (("1x1", 1), ("2x2", 4)):
        arrays, _ = load_arrays(tmp_path / f"{hole}.npz", "hidden", "pixels", "labels", "indices")
        assert arrays["hidden"].shape == (6, k)
        assert (np.diff(arrays["hidden"], axis=1) > 0).all()
        shown, truth = np.load(tmp_path / f"hidden_{hole}.npy")
        np.testing.assert_array_equal(truth, arrays["pixels"])
        assert ((shown == -1).sum(axis=1) == k).all()
        np.testing.assert_array_equal(shown[shown >= 0], truth[shown >= 0])
        assert (np.take_along_axis(shown, arrays["hidden"], axis=1) == -1).all()


@pytest.mark.parametrize("hole", ["2x3", "x", "0x0", "2", "-1x-1"])
def test_holes_that_are_no_squares_are_refused(hole):
    with pytest.raises(ValueError, match=f"a hole is '{hole}'; allowed: squares"):
        patch_size(hole)


def test_a_hole_larger_than_the_image_is_refused(pixel_set):
    with pytest.raises(ValueError, match="5 x 5 does not fit the image of 4 x 4"):
        draw_patches(pixel_set, 5, images=1, mean=0.0, sd=1.0, seed=0)
