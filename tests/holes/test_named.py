"""Named holes: the pixels they say, the same images for all, errors that say what fits."""

import numpy as np
import pytest

from hide_holes import hide_holes
from scanline.files import load_arrays
from scanline.holes.hiding import choose_images
from scanline.holes.named import hidden_sets


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


def test_halves():
    assert picture("upper-half")[0, :14].all()
    assert picture("left-half")[0, :, :14].all()
    for hole in ("upper-half", "left-half", "random-half"):
        assert (picture(hole, images=3).sum(axis=(1, 2)) == 392).all()


def test_random_pixels_are_the_seed_s_and_differ_from_image_to_image():
    hidden = picture("random-half", images=200, seed=3)
    assert (hidden == picture("random-half", images=200, seed=3)).all()
    assert (hidden[:20] == picture("random-half", images=20, seed=3)).all()
    assert (hidden != picture("random-half", images=200, seed=4)).any()
    assert len(np.unique(hidden.reshape(200, -1), axis=0)) == 200
    # Each pixel is hidden in half of 200 images: 5 standard errors of sqrt(1/4/200).
    assert np.abs(hidden.mean(axis=0) - 0.5).max() < 5 * 0.0354


@pytest.mark.parametrize(
    ("hole", "message"),
    [
        ("lower-half", "a hole is 'lower-half'; allowed: run-28, 4x4"),
        ("2x3", "a hole is '2x3'; allowed"),
        ("run-", "a hole is 'run-'; allowed"),
        ("run-301", "a hidden run is 301 pixels; from cut 484"),
        ("29x29", "29 x 29"),
        ("0x0", "0 x 0"),
        ("28x28", "all 784 pixels"),
    ],
)
def test_other_holes_are_refused(hole, message):
    with pytest.raises(ValueError, match=message):
        hidden_sets(hole, 28, 28, images=1, cut=484, seed=0)


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
            test=pixels_folder / "test.npz", holes=("2x2", "run-3"), images=(5,), out=tmp_path
        )
