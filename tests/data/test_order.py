"""The order in which pixels are read: raster, or one permutation that never changes."""

import numpy as np
import pytest

from scanline.data.order import order_of, reading_order

SIZES = [16, 60, 784]


@pytest.mark.parametrize("size", SIZES)
def test_raster_order_is_that_of_the_rows(size):
    assert reading_order("raster", size).tolist() == list(range(size))


@pytest.mark.parametrize("size", SIZES)
def test_the_permutation_reads_each_pixel_once_and_in_another_order(size):
    order = reading_order("permuted", size)
    assert sorted(order.tolist()) == list(range(size))
    # A random permutation leaves one place on average as it is.
    assert (order == np.arange(size)).sum() < 6
    np.testing.assert_array_equal(order, reading_order("permuted", size))


def test_the_permutation_is_the_one_of_published_results():
    """The first and last of 784 indices that NumPy's older generator draws from seed 92916."""
    order = reading_order("permuted", 784)
    assert order[:8].tolist() == [319, 576, 323, 107, 355, 716, 197, 20]
    assert order[-3:].tolist() == [102, 39, 346]


def test_what_names_no_order_is_read_in_raster_order():
    assert order_of({"rows": 4}) == "raster"
    assert order_of({"order": "permuted"}) == "permuted"
