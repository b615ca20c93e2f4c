"""Images and what is hidden of them: the report's own choice, patches, and the files of scripts."""

import numpy as np
import pytest

from hide_holes import hide_holes
from hide_patches import hide_patches
from hide_pixels import hide_pixels
from scanline.data.pixels import PixelSet, save_pixels
from scanline.files import load_arrays
from scanline.holes.hiding import choose_images, draw_patches


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


@pytest.mark.parametrize("images", [1, 24])
def test_as_few_as_one_image_and_as_many_as_there_are_can_be_chosen(images):
    chosen = choose_images(24, images, seed=0)
    assert chosen.shape == (images,)
    assert set(chosen.tolist()) <= set(range(24))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_have_32_bits(seed):
    assert len(choose_images(24, 3, seed=2**32 - 1)) == 3
    with pytest.raises(ValueError, match=f"seed is {seed}; allowed: 0 to 4294967295"):
        choose_images(24, 3, seed=seed)


def test_patches_are_about_normal_and_inside(pixel_set):
    def corners(sd):
        drawn = draw_patches(pixel_set, (2, 2), images=24, mean=1.0, sd=sd, seed=1)
        return np.stack(np.divmod(drawn.hidden[:, 0], 4), axis=1)

    assert (corners(0.0) == 1).all()
    wide = corners(50.0)
    assert wide.min() == 0
    assert wide.max() == 2  # a patch of 2 x 2 in 4 x 4
    np.testing.assert_array_equal(corners(50.0), wide)


@pytest.mark.parametrize(("rows", "columns"), [(40, 10), (10, 40), (20, 20)])
def test_corners_by_shares_lie_alike_in_rows_and_columns(rows, columns):
    """As far down a tall image as its shares say, not as far as its shorter side allows."""
    blank = np.zeros((2000, rows * columns), np.uint8)
    images = PixelSet(blank, None, {"rows": rows, "columns": columns, "split": "test"})
    chosen = draw_patches(images, (1, 1), images=2000, mean=0.5, sd=0.1, seed=1)
    corners = np.stack(np.divmod(chosen.hidden[:, 0], columns), axis=1) / (rows, columns)
    # Five standard errors of 0.1 / sqrt(2000), and the clipping and rounding to whole pixels.
    assert np.abs(corners.mean(axis=0) - 0.5).max() < 5 * 0.1 / 2000**0.5 + 1e-3
    rounding = 1 / np.sqrt(12) / np.array([rows, columns])
    assert corners.std(axis=0) == pytest.approx(np.hypot(0.1, rounding), rel=0.08)
    in_pixels = dict(mean=rows / 2, sd=rows / 10, images=2000, seed=1)
    if rows == columns:
        same = draw_patches(images, (1, 1), **in_pixels)
        np.testing.assert_array_equal(chosen.hidden, same.hidden)


def test_script_writes_runs(pixels_folder, tmp_path):
    test = pixels_folder / "test.npz"
    hide_pixels(test=test, images=5, seed=0, cut=9, runs=(7, 1), out=tmp_path)
    arrays, description = load_arrays(tmp_path / "hidden.npz", "pixels", "labels", "indices")
    known, _ = load_arrays(test, "pixels", "labels")
    np.testing.assert_array_equal(arrays["pixels"], known["pixels"][arrays["indices"]])
    np.testing.assert_array_equal(arrays["labels"], known["labels"][arrays["indices"]])
    assert (description["cut"], description["hidden_runs"]) == (9, [1, 7])
    assert description["polarity"] == "ink is 1"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cut": 484, "runs": (1,)}, "cut is 484, outside the image; allowed: 0 to 15"),
        ({"cut": 9, "runs": (8,)}, "a hidden run is 8 pixels; from cut 9 on the image has 7 left"),
        ({"cut": 9, "runs": ()}, "runs is empty"),
    ],
)
def test_script_refuses_runs_that_do_not_fit(pixels_folder, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        hide_pixels(test=pixels_folder / "test.npz", images=5, seed=0, out=tmp_path, **settings)
    assert not (tmp_path / "hidden.npz").exists()


def test_script_writes_patches_in_the_form_of_the_assignment(pixels_folder, tmp_path):
    test, holes = pixels_folder / "test.npz", ("1x1", "2x2")
    hide_patches(test=test, holes=holes, images=6, mean=1.0, sd=1.0, seed=0, out=tmp_path)
    for hole, k in (("1x1", 1), ("2x2", 4)):
        arrays, _ = load_arrays(tmp_path / f"{hole}.npz", "hidden", "pixels", "labels", "indices")
        assert arrays["hidden"].shape == (6, k)
        assert (np.diff(arrays["hidden"], axis=1) > 0).all()
        shown, truth = np.load(tmp_path / f"hidden_{hole}.npy")
        np.testing.assert_array_equal(truth, arrays["pixels"])
        assert ((shown == -1).sum(axis=1) == k).all()
        np.testing.assert_array_equal(shown[shown >= 0], truth[shown >= 0])
        assert (np.take_along_axis(shown, arrays["hidden"], axis=1) == -1).all()


def test_a_hole_larger_than_the_image_is_refused(pixel_set):
    with pytest.raises(ValueError, match="5 x 5 does not fit the image of 4 x 4"):
        draw_patches(pixel_set, (5, 5), images=1, mean=0.0, sd=1.0, seed=0)


def test_a_share_is_the_patch_of_so_many_rows_and_columns(pixels_folder, tmp_path):
    test, holes = pixels_folder / "test.npz", ("0.25x0.75", "1x3")
    hide_patches(test=test, holes=holes, images=6, mean=1.0, sd=1.0, seed=0, out=tmp_path)
    share, pixels = (load_arrays(tmp_path / f"{hole}.npz", "hidden")[0]["hidden"] for hole in holes)
    np.testing.assert_array_equal(share, pixels)
    rows, columns = np.divmod(share, 4)
    assert (np.ptp(rows, axis=1) == 0).all()
    assert (np.ptp(columns, axis=1) == 2).all()


def test_script_hides_holes_of_the_same_images(pixels_folder, tmp_path):
    test = pixels_folder / "test.npz"
    holes, images = ("run-3", "2x2", "random-half"), (8, 5, 3)
    hide_holes(test=test, holes=holes, images=images, cut=6, seed=0, out=tmp_path)
    assert {path.name for path in tmp_path.glob("*.npz")} == {f"{hole}.npz" for hole in holes}
    all_pixels = load_arrays(test, "pixels")[0]["pixels"]
    for hole, count, k in zip(holes, images, (3, 4, 8), strict=True):
        arrays, description = load_arrays(
            tmp_path / f"{hole}.npz", "hidden", "pixels", "labels", "indices"
        )
        assert arrays["hidden"].shape == (count, k)
        assert arrays["indices"].tolist() == choose_images(24, 8, 0)[:count].tolist()
        assert (arrays["pixels"] == all_pixels[arrays["indices"]]).all()
        assert description["split"] == "test"


def test_script_wants_a_number_of_images_for_each_hole(pixels_folder, tmp_path):
    with pytest.raises(ValueError, match="images has 1 numbers for 2 holes; give one for each"):
        hide_holes(
            test=pixels_folder / "test.npz",
            holes=("2x2", "run-3"),
            images=(5,),
            cut=6,
            seed=0,
            out=tmp_path,
        )


def test_nothing_is_hidden_of_pixels_that_only_classifiers_read(grey_sets, tmp_path):
    """As no next-pixel model could fill it."""
    save_pixels(tmp_path / "test.npz", grey_sets["test"])
    given: dict = dict(test=tmp_path / "test.npz", images=3, seed=0, out=tmp_path)
    for hide, more in (
        (hide_pixels, {"cut": 6, "runs": (3,)}),
        (hide_patches, {"holes": ("1x1",), "mean": 1.0, "sd": 1.0}),
        (hide_holes, {"holes": ("2x2",), "images": (3,), "cut": 6}),
    ):
        with pytest.raises(ValueError, match=r"the pixels are grey .* only classifiers read such"):
            hide(**(given | more))
