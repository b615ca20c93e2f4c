"""Holes that are drawn at random: every kind and size occurs, and each hides a pixel."""

import numpy as np
import pytest

from scanline.holes.drawn import random_holes


@pytest.mark.parametrize(("rows", "columns"), [(28, 28), (20, 12), (5, 3), (1, 7), (1, 1)])
def test_each_image_gets_a_hole_of_its_own(rows, columns):
    hidden = random_holes(np.random.default_rng(0), 300, rows, columns)
    assert hidden.shape == (300, rows * columns)
    assert hidden.any(axis=1).all()
    np.testing.assert_array_equal(
        random_holes(np.random.default_rng(0), 300, rows, columns), hidden
    )


def test_the_holes_of_the_study_are_among_them():
    """All halves, quadrants, squares in the middle and the run to the end, and sizes of all."""
    hidden = random_holes(np.random.default_rng(1), 20_000, 4, 4).reshape(-1, 4, 4)
    found = {each.tobytes() for each in hidden}
    for rows, columns in (
        *((slice(2 * i, 2 * i + 2), slice(None)) for i in (0, 1)),
        *((slice(None), slice(2 * i, 2 * i + 2)) for i in (0, 1)),
        *((slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2)) for i in (0, 1) for j in (0, 1)),
        (slice(1, 3), slice(1, 3)),
        (slice(None), slice(None)),
    ):
        hole = np.zeros((4, 4), bool)
        hole[rows, columns] = True
        assert hole.tobytes() in found
        if (rows, columns) != (slice(None), slice(None)):
            assert (~hole).tobytes() in found or hole.sum() == 4
    run = np.zeros(16, bool)
    run[9:] = True
    assert run.tobytes() in found
    assert set(hidden.sum(axis=(1, 2))) == set(range(1, 17))


def test_one_to_four_quadrants_are_hidden_as_often():
    """No rectangle and no run of such a large image is one, but by a chance of 1 in 10,000."""
    hidden = random_holes(np.random.default_rng(2), 4000, 28, 28)
    quadrants = hidden.reshape(-1, 2, 14, 2, 14).transpose(0, 1, 3, 2, 4).reshape(-1, 4, 196)
    whole = quadrants.all(axis=2)
    single = (whole.sum(axis=1) == 1) & (quadrants.any(axis=2).sum(axis=1) == 1)
    # A seventh of all, and of those a quarter; 5 standard errors of such a count.
    expected = 4000 / 28
    assert abs(single.sum() - expected) < 5 * expected**0.5
