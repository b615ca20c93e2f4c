"""Learning curves: raw and smoothed values, held-out and training images, variants by colour."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from drawn_texts import can_be_read
from matplotlib.colors import same_color
from study_copy import ROOT

from draw_curves import LOSSES, draw_curves
from scanline.evaluation.words import QUANTITIES
from scanline.figures import curves, style
from scanline.figures import names as figure_names

PALETTE = ["gru-32", "gru-64", "lstm-32"]
CELLS = ["gru", "gru", "lstm"]


def curve(epochs: int, quantity: str = "nats", steps: int = 94) -> pd.DataFrame:
    """A curve_by_epoch table: training falls as 1 / epoch, validation is 0.25 above it."""
    lines = [
        (epoch, epoch * steps, split, quantity, 1 / epoch + above)
        for epoch in range(1, epochs + 1)
        for split, above in (("train", 0), ("validation", 0.25))
    ]
    return pd.DataFrame(lines, columns=["epoch", "step", "split", "quantity", "value"])


@pytest.mark.parametrize("epochs", [1, 100])
def test_it_can_be_read(epochs):
    tables = {name: curve(epochs) for name in PALETTE}
    can_be_read(curves.draw_learning_curves(tables, "nats", "cross-entropy (nats)", PALETTE))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_cross_entropy_has_its_unit(loss):
    assert re.fullmatch(r"cross-entropy \(nats( per pixel)?\)", QUANTITIES[loss].axis)


def test_smoothing_is_the_mean_of_the_last_smoothed_and_the_new_value():
    assert curves.smoothed(np.array([8.0, 4.0, 0.0, 3.0])).tolist() == [8, 6, 3, 3]
    assert curves.smoothed(np.array([8.0, 4.0]), smoothing=0.75).tolist() == [8, 7]


def smoothed_by_a_loop(values, smoothing: float) -> list[float]:
    """Each value is the mean of the last smoothed one and the new one, so weighted."""
    result = [float(values[0])]
    for value in values[1:]:
        result.append(smoothing * result[-1] + (1 - smoothing) * value)
    return result


@pytest.mark.parametrize("smoothing", [0.5, 0.75, 0.0])
def test_smoothing_equals_a_loop(smoothing):
    values = np.random.default_rng(0).random(200)
    found = curves.smoothed(values, smoothing)
    # Both round each step; the errors do not add up, for each step shrinks those before it.
    np.testing.assert_allclose(found, smoothed_by_a_loop(values, smoothing), rtol=1e-14)


def test_smoothing_leaves_what_it_was_given():
    values = np.array([1, 2])  # whole numbers too
    assert curves.smoothed(values).tolist() == [1, 1.5]
    assert values.tolist() == [1, 2]


def drawn_lines(figure):
    """Lines with points, of the first axes."""
    return [line for line in figure.axes[0].get_lines() if len(line.get_xdata())]


def test_a_long_curve_is_drawn_raw_and_smoothed():
    table = curve(20)
    figure = curves.draw_learning_curves({"gru-64": table}, "nats", "nats", PALETTE)
    lines = drawn_lines(figure)
    assert len(lines) == 4
    for split, dashes in (("train", "--"), ("validation", "-")):
        values = table[table["split"] == split]["value"].to_numpy()
        faint, strong = (line for line in lines if line.get_linestyle() == dashes)
        np.testing.assert_array_equal(faint.get_ydata(), values)
        np.testing.assert_array_equal(strong.get_ydata(), curves.smoothed(values))
        assert faint.get_alpha() < 1
        assert strong.get_alpha() is None


def test_a_curve_of_few_epochs_is_its_points():
    figure = curves.draw_learning_curves({"gru-64": curve(3)}, "nats", "nats", PALETTE)
    lines = drawn_lines(figure)
    assert sorted(tuple(line.get_ydata()) for line in lines) == [
        (1, 1 / 2, 1 / 3),
        (1.25, 0.75, 1 / 3 + 0.25),
    ]
    assert [line.get_marker() for line in lines] == ["o", "o"]


@pytest.mark.parametrize("splits", [["validation", "train"], ["validation"], ["train"]])
def test_the_legend_names_the_lines_that_are_drawn(splits):
    """The training's accuracy may lack, as that of the companion in pretrained/ does."""
    table = pd.concat([curve(3)[curve(3)["split"].isin(splits)], curve(3, "accuracy")])
    figure = curves.draw_learning_curves({"gru-64": table}, "nats", "nats", PALETTE)
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert words == ["gru-64", *(split.replace("train", "training") for split in splits)]


def test_the_point_of_a_single_epoch_stands_where_training_has_come_to():
    figure = curves.draw_learning_curves({"gru-64": curve(1)}, "nats", "nats", PALETTE)
    assert [line.get_xdata().tolist() for line in drawn_lines(figure)] == [[94], [94]]
    low, high = figure.axes[0].get_xlim()
    assert low == 0
    assert high >= 94


def test_a_curve_of_another_quantity_is_not_drawn():
    both = pd.concat([curve(3, "nats"), curve(3, "accuracy").assign(value=7)])
    figure = curves.draw_learning_curves({"gru-64": both}, "accuracy", "accuracy", PALETTE)
    assert {tuple(line.get_ydata()) for line in drawn_lines(figure)} == {(7, 7, 7)}


def test_each_variant_has_one_colour_in_every_figure_and_no_other_has_it():
    palette = sorted(yaml.safe_load((ROOT / "config.yaml").read_text())["variants"])
    colours = [style.colour_of(variant, palette) for variant in palette]
    assert len(set(colours)) == len(palette)
    for variant, colour in zip(palette, colours, strict=True):
        for epochs in (1, 20):
            figure = curves.draw_learning_curves({variant: curve(epochs)}, "nats", "nats", palette)
            for line in drawn_lines(figure):
                assert same_color(line.get_color(), colour)
            plt.close(figure)


def test_curves_are_drawn_by_task_and_cell(tmp_path):
    paths = []
    for task, variant, quantity in (
        ("classify", "lstm-32", "nats"),
        ("classify", "gru-32", "nats"),
        ("predict", "gru-64", "nats_per_pixel"),
    ):
        path = tmp_path / "mnist" / task / variant / "seed-1" / "train" / "curve_by_epoch.csv"
        path.parent.mkdir(parents=True)
        pd.concat([curve(2, quantity), curve(2, "accuracy")]).to_csv(path, index=False)
        paths.append(path)
    out = tmp_path / "figures"
    out.mkdir()
    draw_curves(curves=tuple(paths), palette=PALETTE, cells=CELLS, out=out)
    assert {path.stem for path in out.glob("*.png")} == {
        name
        for task, cell in (("classify", "lstm"), ("classify", "gru"), ("predict", "gru"))
        for name in figure_names.curves(task, cell).values()
    }
