"""The eight ways to read an image: turned by hand, turned back, holes with what is said of them."""

import numpy as np
import pytest
from tabulated import BY_HAND

from scanline.data.orientation import WAYS, Orientation
from scanline.data.pixels import PixelSet

READ = {  # the flat indices of 2 x 3 pixels, 0 1 2 above 3 4 5
    "raster": [0, 1, 2, 3, 4, 5],
    "rows-top-right": [2, 1, 0, 5, 4, 3],
    "rows-bottom-left": [3, 4, 5, 0, 1, 2],
    "rows-bottom-right": [5, 4, 3, 2, 1, 0],
    "columns-top-left": [0, 3, 1, 4, 2, 5],
    "columns-top-right": [2, 5, 1, 4, 0, 3],
    "columns-bottom-left": [3, 0, 4, 1, 5, 2],
    "columns-bottom-right": [5, 2, 4, 1, 3, 0],
}
IMAGES = np.random.default_rng(0).integers(0, 2, (5, 4, 3, 6)).astype(np.uint8)
PIXELS = IMAGES.reshape(5, 4, 18)


def test_the_ways_read_from_each_corner_by_rows_and_by_columns():
    assert READ.keys() == BY_HAND.keys() == set(WAYS)
    for way, order in READ.items():
        assert Orientation(way, 2, 3).order.tolist() == order


@pytest.mark.parametrize("way", WAYS)
def test_images_are_turned_as_by_hand_and_turned_back(way):
    orientation = Orientation(way, 3, 6)
    turned = orientation.turned(PIXELS)
    for pixels, image in zip(turned[0], IMAGES[0], strict=True):
        by_hand = BY_HAND[way](image)
        assert orientation.shape == by_hand.shape
        np.testing.assert_array_equal(pixels, by_hand.ravel())
    np.testing.assert_array_equal(orientation.turned_back(turned), PIXELS)


@pytest.mark.parametrize("way", WAYS)
def test_holes_and_what_is_said_of_them_are_those_of_whole_images(way):
    """Values are written into images in the order of reading, and read from them by the hole."""
    orientation, generator = Orientation(way, 3, 6), np.random.default_rng(1)
    hidden = np.array([np.sort(generator.choice(18, 7, replace=False)) for _ in range(5)])
    steps = orientation.turned_hole(hidden)
    assert (np.diff(steps) > 0).all()
    marks = np.zeros((5, 18), bool)
    np.put_along_axis(marks, hidden, True, axis=1)
    turned = np.zeros((5, 18), bool)
    np.put_along_axis(turned, steps, True, axis=1)
    np.testing.assert_array_equal(turned, orientation.turned(marks))
    values = generator.normal(size=(5, 4, 7))
    written = np.zeros((5, 4, 18))
    np.put_along_axis(written, np.repeat(steps[:, None], 4, axis=1), values, axis=2)
    back = orientation.turned_back(written)
    wanted = np.take_along_axis(back, np.repeat(hidden[:, None], 4, axis=1), axis=2)
    np.testing.assert_array_equal(orientation.values_back(values, hidden), wanted)
    np.testing.assert_array_equal(orientation.values_back(values[:, 0], hidden), wanted[:, 0])
    one = orientation.values_back(values[0], hidden[0])  # samples of a single image
    np.testing.assert_array_equal(one, wanted[0])
    np.testing.assert_array_equal(orientation.turned_hole(hidden[0]), steps[0])


@pytest.mark.parametrize("way", WAYS)
def test_a_set_is_turned_with_its_grey_values_and_its_shape(way):
    description = {"rows": 3, "columns": 6, "polarity": "ink is 1"}
    grey = np.random.default_rng(2).integers(0, 256, (4, 18)).astype(np.uint8)
    turned = PixelSet(PIXELS[0], None, description, grey).turned(way)
    for name, given in (("pixels", PIXELS[0]), ("grey", grey)):
        by_hand = [BY_HAND[way](image.reshape(3, 6)) for image in given]
        np.testing.assert_array_equal(getattr(turned, name), np.reshape(by_hand, (4, 18)))
    shape = dict(zip(("rows", "columns"), by_hand[0].shape, strict=True))
    assert turned.description == description | shape
    assert PixelSet(PIXELS[0], None, description).turned(way).grey is None


def test_raster_order_turns_nothing():
    orientation = Orientation("raster", 3, 6)
    hole = np.array([[3, 5]], np.int32)
    assert orientation.turned(PIXELS) is PIXELS is orientation.turned_back(PIXELS)
    assert orientation.turned_hole(hole) is hole
    assert orientation.values_back(PIXELS, hole) is PIXELS


def test_another_way_is_refused():
    with pytest.raises(ValueError, match="orientation is 'sideways'; allowed: raster, rows-top-r"):
        Orientation("sideways", 2, 3)
