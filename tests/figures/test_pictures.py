"""Pictures of binary images: what of them is hidden, and that each value has its colour."""

import itertools

import numpy as np
import pytest
from drawn_pictures import shown

from scanline.figures.pictures import (
    FILLED_INK,
    FILLED_PAPER,
    HIDDEN,
    INK,
    PAPER,
    draw_rows,
    pictures_of,
)

CUT, RUNS = 9, [1, 4, 7]


@pytest.mark.parametrize("run", RUNS)
def test_pictures_hide_all_from_the_cut_on_but_what_is_filled_in(run):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 2, (5, 16)).astype(np.uint8)
    samples = generator.integers(0, 2, (5, 7)).astype(np.uint8)
    hidden, filled = pictures_of(pixels, CUT, run), pictures_of(pixels, CUT, run, samples)
    for n, t in itertools.product(range(5), range(16)):
        known = INK if pixels[n, t] else PAPER
        assert hidden[n, t] == (known if t < CUT else HIDDEN)
        if CUT <= t < CUT + run:
            assert filled[n, t] == (FILLED_INK if samples[n, t - CUT] else FILLED_PAPER)
        else:
            assert filled[n, t] == hidden[n, t]


def test_rows_show_each_picture_in_its_place():
    pictures = np.random.default_rng(0).integers(0, 5, (2, 3, 16))
    rows = {"gru-32": pictures[0], "gru-64": pictures[1]}
    figure = draw_rows(rows, ["one", "two", "three"], columns=8)
    np.testing.assert_array_equal(np.array(shown(figure)).reshape(2, 3, 16), pictures)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["one", "two", "three"]
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["gru-32", "gru-64"]


def test_each_value_has_a_colour_of_its_own():
    figure = draw_rows({"": np.arange(6).repeat(6)[None]}, ["values"], columns=6)
    image = figure.axes[0].get_images()[0]
    colours = {tuple(image.cmap(image.norm(value))) for value in range(6)}
    assert len(colours) == 6
