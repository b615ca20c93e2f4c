"""Sampled images stand beside the training images nearest to them."""

import numpy as np
import pandas as pd
from drawn_pictures import shown

from scanline.figures.pictures import FILLED_INK, INK
from scanline.figures.sampled import draw_by_class, draw_distances, draw_sampled


def test_each_sample_is_followed_by_its_nearest_training_image():
    generator = np.random.default_rng(0)
    images, nearest = generator.integers(0, 2, (2, 13, 12))  # of 3 rows, 4 columns
    figure = draw_sampled(images, nearest, columns=4)
    (sheet,) = shown(figure)
    for i in range(13):
        top, left = 1 + 4 * (i // 10), 1 + 10 * (i % 10)
        drawn = sheet[top : top + 3, left : left + 4]
        np.testing.assert_array_equal(drawn.ravel() == FILLED_INK, images[i] > 0)
        beside = sheet[top : top + 3, left + 5 : left + 9]
        np.testing.assert_array_equal(beside.ravel() == INK, nearest[i] > 0)


def test_samples_of_a_class_are_a_row():
    images = np.random.default_rng(0).integers(0, 2, (25, 12))
    labels = np.arange(25) % 3
    figure = draw_by_class(images, labels, ["ant", "bee", "cow"], columns=4)
    sheets = shown(figure)
    assert len(sheets) == 3 * 8  # as many as the rarest class has
    for row, name in enumerate(["ant", "bee", "cow"]):
        assert figure.axes[8 * row].get_ylabel() == name
        for place, image in enumerate(images[labels == row][:8]):
            sheet = sheets[8 * row + place]
            np.testing.assert_array_equal(sheet.ravel() == FILLED_INK, image > 0)


def test_distances_are_counted_for_samples_and_test_images():
    table = pd.DataFrame(
        {"of": ["samples"] * 3 + ["test images"] * 3, "pixels_that_differ": [0, 5, 9, 5, 6, 7]}
    )
    figure = draw_distances({"gru-8": table, "gru-16": table})
    assert [axes.get_title() for axes in figure.axes] == ["gru-8", "gru-16"]
    assert all(tick == int(tick) for tick in figure.axes[0].get_yticks())  # images are whole
    (legend,) = figure.legends  # beside the panels, on no bar
    assert [text.get_text() for text in legend.get_texts()] == ["test images", "samples"]
    for axes in figure.axes:
        filled, line = axes.patches
        assert filled.get_fill()
        assert not line.get_fill()
