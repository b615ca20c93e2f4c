"""Holes that are drawn at random: every kind and size occurs, and each hides a pixel."""

from collections import Counter
from itertools import product

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


ROWS, COLUMNS = 3, 2


def probabilities() -> Counter[tuple[int, ...]]:
    """Of every hole of an image of 3 x 2, written out kind by kind."""
    places = np.arange(6).reshape(ROWS, COLUMNS)
    found: Counter[tuple[int, ...]] = Counter()

    def add(hole, probability):
        hole = tuple(sorted(np.ravel(hole).tolist()))
        for each in [hole] if hole else [(place,) for place in range(6)]:  # none: a single pixel
            found[each] += probability / (1 if hole else 6)

    for high, wide in product((1, 2, 3), (1, 2)):  # rectangles: a size, then a place
        corners = list(product(range(4 - high), range(3 - wide)))
        for top, left in corners:
            add(places[top : top + high, left : left + wide], 2 / 7 / 6 / len(corners))
    quadrants = [
        places[rows, columns].ravel().tolist()
        for rows in (slice(1), slice(1, 3))
        for columns in (slice(1), slice(1, 2))
    ]
    for chosen in product((0, 1), repeat=4):
        if any(chosen):
            ways = (4, 6, 4, 1)[sum(chosen) - 1]
            hole = [
                each
                for part, is_in in zip(quadrants, chosen, strict=True)
                if is_in
                for each in part
            ]
            add(hole, 1 / 7 / 4 / ways)
    for half in (places[:1], places[1:], places[:, :1], places[:, 1:]):
        add(half, 1 / 7 / 4)
    for rows in (1, 2, 3):
        add(places[:rows], 1 / 7 / 3)
    for length in range(1, 7):
        for cut in range(7 - length):
            add(range(cut, cut + length), 1 / 7 / 6 / (7 - length))
    shares = np.linspace(0.1, 0.95, 10_001)
    for chosen in product((0, 1), repeat=6):  # single pixels of a drawn share
        density = shares ** sum(chosen) * (1 - shares) ** (6 - sum(chosen))
        add(np.flatnonzero(chosen), density.mean() / 7)
    return found


def test_every_hole_is_drawn_as_often_as_its_kind_says():
    expected, images = probabilities(), 60_000
    assert sum(expected.values()) == pytest.approx(1)
    hidden = random_holes(np.random.default_rng(3), images, ROWS, COLUMNS)
    found = Counter(tuple(np.flatnonzero(hole).tolist()) for hole in hidden)
    assert set(found) <= set(expected)
    for hole, p in expected.items():
        # 5 standard errors of such a count: of 63 holes one is beyond by chance in 30,000 tests.
        assert abs(found[hole] - images * p) < 5 * (images * p * (1 - p)) ** 0.5, hole


def test_one_to_four_quadrants_are_hidden_as_often():
    """No rectangle and no run of such a large image is one, but by a chance of 1 in 10,000."""
    hidden = random_holes(np.random.default_rng(2), 4000, 28, 28)
    quadrants = hidden.reshape(-1, 2, 14, 2, 14).transpose(0, 1, 3, 2, 4).reshape(-1, 4, 196)
    whole = quadrants.all(axis=2)
    single = (whole.sum(axis=1) == 1) & (quadrants.any(axis=2).sum(axis=1) == 1)
    # A seventh of all, and of those a quarter; 5 standard errors of such a count.
    expected = 4000 / 28
    assert abs(single.sum() - expected) < 5 * expected**0.5
