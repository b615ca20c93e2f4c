"""Figures of filled holes: what is drawn is what was measured, and no text lies on another."""

import numpy as np
import pandas as pd
import pytest
from drawn_texts import no_text_lies_on_another
from matplotlib.colors import to_rgb
from posterior_tables import HOLES, methods_table, reliability_table

from scanline.figures import pictures
from scanline.figures.posterior import (
    FEW,
    draw_examples,
    draw_nats,
    draw_reliability,
    first_with_ink,
    look_of,
)
from scanline.inference.forecast import Forecast


@pytest.fixture
def table():
    models = [methods_table(seed).assign(model=f"gru-{seed}") for seed in (1, 2)]
    return pd.concat(models)


def test_every_cost_is_drawn_at_its_hole(table):
    figure = draw_nats(table)
    for axes, (model, lines) in zip(figure.axes, table.groupby("model"), strict=True):
        assert axes.get_title() == model
        assert [label.get_text() for label in axes.get_xticklabels()] == list(HOLES)
        wanted = {
            (look_of(line.method), HOLES.index(line.hole), line.nats_per_hidden_pixel)
            for line in lines.itertuples()
            if line.nats_per_hidden_pixel == line.nats_per_hidden_pixel
        }
        drawn = {
            ((line.get_color(), line.get_marker()), x, y)
            for line in axes.get_lines()
            if line.get_marker() != "None"
            for x, y in zip(*line.get_data(), strict=True)
        }
        assert drawn == wanted


def test_the_gain_of_the_posterior_stands_above_its_hole(table):
    lines = table[(table["model"] == "gru-1") & (table["hole"] == "4x4")].set_index("method")
    nats = lines["nats_per_hidden_pixel"]
    (told,) = [
        text.get_text()
        for text in draw_nats(table).axes[0].texts
        if text.xy[0] == HOLES.index("4x4")
    ]
    gain = round(100 * (nats["smc"] / nats["prefix"] - 1))
    assert told == f"{gain:+d} %".replace("-", "−")


def test_reliability_shows_bins_that_say_something_and_forecasts_that_can():
    bins = reliability_table()
    figure = draw_reliability(bins)
    shown = bins[(bins["n_pixels"] >= FEW) & (bins["method"] != "nearest_image")]
    assert 0 < len(shown) < len(bins)
    drawn = set()
    for axes in figure.axes:
        for line in axes.get_lines()[1:]:  # after the diagonal
            points = zip(*line.get_data(), strict=True)
            drawn |= {(axes.get_title(), line.get_color(), x, y) for x, y in points}
    assert drawn == {
        (line.hole, look_of(line.method)[0], line.p_ink, line.ink) for line in shown.itertuples()
    }


@pytest.mark.parametrize("holes", [1, 3, 5, 8])
def test_no_text_lies_on_another(table, holes):
    kept = table[table["hole"].isin(HOLES[-holes:])]
    bins = reliability_table()
    bins = bins[bins["hole"].isin(HOLES[-holes:])]
    for figure in (draw_nats(kept), draw_reliability(bins)):
        no_text_lies_on_another(figure, slanted=HOLES)


def test_an_example_is_the_first_image_with_ink_in_the_hole():
    pixels = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 1]])
    hidden = np.tile([1, 2], (3, 1))
    assert first_with_ink(pixels, hidden) == 1
    assert first_with_ink(np.zeros((3, 4), int), hidden) == 0


@pytest.mark.parametrize("method", ["exact", "smc"])
def test_an_example_shows_truth_hole_samples_best_and_probabilities(method):
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 2, (2, 16)).astype(np.uint8)
    hidden = np.tile([5, 6, 10], (2, 1))
    pixels[0, hidden[0]] = 0
    pixels[1, hidden[1]] = [1, 0, 1]
    found = {
        way: Forecast(
            best=generator.integers(0, 2, (2, 3)),
            marginals=np.tile([0.0, 0.25, 1.0], (2, 1)),
            samples=generator.integers(0, 2, (2, 4, 3)),
            log_prob=np.full(2, np.nan),
        )
        for way in ("prefix", method)
    }
    figure = draw_examples({"hole": (pixels, hidden)}, {"hole": found}, columns=8)
    panels = [axes.get_images()[0].get_array().reshape(16, 3) for axes in figure.axes]
    assert len(panels) == 8
    assert figure.axes[0].get_ylabel() == "hole"
    seen = [i for i in range(16) if i not in hidden[1]]
    for panel in panels:  # what is observed is the same in all
        np.testing.assert_allclose(panel[seen], panels[0][seen])
    colour = {value: to_rgb(pictures.COLOURS.colors[value]) for value in range(pictures.COLOURS.N)}
    np.testing.assert_allclose(panels[0][hidden[1]], [colour[1], colour[0], colour[1]])
    np.testing.assert_allclose(panels[1][hidden[1]], [colour[pictures.HIDDEN]] * 3)
    filled = [
        found["prefix"].samples[1, 0],
        *found[method].samples[1, :3],
        found[method].best[1],
    ]
    for panel, values in zip(panels[2:7], filled, strict=True):
        wanted = [colour[pictures.FILLED_PAPER + value] for value in values]
        np.testing.assert_allclose(panel[hidden[1]], wanted)
    paper, ink = (np.array(colour[v]) for v in (pictures.FILLED_PAPER, pictures.FILLED_INK))
    np.testing.assert_allclose(panels[7][hidden[1]], [paper, 0.75 * paper + 0.25 * ink, ink])
