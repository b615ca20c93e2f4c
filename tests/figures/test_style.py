"""Figures: nothing overlaps, what is drawn is what was measured, and a colour means one variant."""

import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from drawn_texts import texts
from matplotlib.colors import same_color
from study_copy import ROOT

from draw_cells import draw_cells
from draw_curves import LABELS, draw_curves
from scanline.figures import curves, inpainting, style
from scanline.figures import names as figure_names
from scanline.figures.demonstration import draw_demonstration

PALETTE = ["gru-32", "gru-64", "lstm-32"]


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def curve(epochs: int, quantity: str = "nats", steps: int = 94) -> pd.DataFrame:
    """A curve_by_epoch table: training falls as 1 / epoch, validation is 0.25 above it."""
    lines = [
        (epoch, epoch * steps, split, quantity, 1 / epoch + above)
        for epoch in range(1, epochs + 1)
        for split, above in (("train", 0), ("validation", 0.25))
    ]
    return pd.DataFrame(lines, columns=["epoch", "step", "split", "quantity", "value"])


def demonstration() -> pd.DataFrame:
    """A demonstration table in which errors fall until they are exactly 0."""
    lines = []
    for name, cells in (("keep", "lstm gru"), ("copy", "lstm gru"), ("imitate", "lstm")):
        for cell, bias in itertools.product(cells.split(), range(0, 21, 2)):
            error = 0.0 if cell == "gru" and bias > 16 else np.exp(-bias)
            lines.append((name, cell, bias, error, np.nan if name == "imitate" else 2 * error))
    return pd.DataFrame(lines, columns=["demonstration", "cell", "gate_bias", "error", "bound"])


def histograms(scale: float, count: int = 200):
    values = np.random.default_rng(0).gamma(2, scale, count)
    names = {"ground truth": values, "in-painting": values * 0.99}
    colours = {"ground truth": "black", "in-painting": "red"}
    return inpainting.draw_bulk_and_tail(names, "cross-entropy (nats per pixel)", colours)


FIGURES = {
    "long curves": lambda: curves.draw_learning_curves(
        {name: curve(100) for name in PALETTE}, "nats", "cross-entropy (nats)", PALETTE
    ),
    "one epoch": lambda: curves.draw_learning_curves(
        {name: curve(1) for name in PALETTE}, "nats", "cross-entropy (nats)", PALETTE
    ),
    "cells": lambda: draw_demonstration(demonstration()),
    "histograms": lambda: histograms(0.05),
    "histograms of tiny values": lambda: histograms(2e-4),
    "histograms of large values": lambda: histograms(3e4),
    "histograms of one value": lambda: inpainting.draw_bulk_and_tail(
        {"gru-32": np.full(7, 0.1234567)}, "difference (nats per pixel)", {"gru-32": "red"}
    ),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    return FIGURES[request.param]()


def test_no_text_lies_on_another(figure):
    for (one, a), (other, b) in itertools.combinations(texts(figure), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one!r} lies on {other!r}"


def test_numbers_beside_an_axis_have_air_between_them(figure):
    """The width of a digit, about 6 pixels at 100 dots an inch, so that two do not read as one."""
    words = [text for text in texts(figure) if re.fullmatch(r"[−\d.]+", text[0])]
    for (one, a), (other, b) in itertools.combinations(words, 2):
        if a[1] < b[3] and b[1] < a[3]:  # in one line
            assert a[2] + 6 <= b[0] or b[2] + 6 <= a[0], f"{one!r} touches {other!r}"


def test_no_number_is_to_be_added_to_those_at_the_ticks(figure):
    texts(figure)
    for axes in figure.axes:
        assert axes.xaxis.get_offset_text().get_text() == ""
        assert "+" not in axes.yaxis.get_offset_text().get_text()


def test_axes_say_what_they_show(figure):
    for axes in figure.axes:
        assert axes.get_xlabel()
        assert axes.get_ylabel()


@pytest.mark.parametrize("label", LABELS.values())
def test_a_cross_entropy_has_its_unit(label):
    assert re.fullmatch(r"cross-entropy \(nats( per pixel)?\)", label)


def test_smoothing_is_the_mean_of_the_last_smoothed_and_the_new_value():
    assert curves.smoothed(np.array([8.0, 4.0, 0.0, 3.0])).tolist() == [8, 6, 3, 3]
    assert curves.smoothed(np.array([8.0, 4.0]), smoothing=0.75).tolist() == [8, 7]


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
            curves = {variant: curve(epochs)}
            figure = curves.draw_learning_curves(curves, "nats", "nats", palette)
            for line in drawn_lines(figure):
                assert same_color(line.get_color(), colour)


def heights(axes) -> list[np.ndarray]:
    """Counts of the histograms of ``axes``, read from their outlines."""
    return [polygon.get_xy()[1:-1:2, 1] for polygon in axes.patches]


def test_a_histogram_shows_all_images_and_its_bulk_those_up_to_the_95th_percentile():
    values = {"gru-32": np.arange(100.0)}
    figure = inpainting.draw_bulk_and_tail(values, "nats per pixel", {"gru-32": "red"})
    bulk, tail = figure.axes
    (in_bulk,), (in_all,) = heights(bulk), heights(tail)
    assert in_bulk.sum() == 95  # 0 to 94; the percentile is 94.05
    assert in_all.sum() == 100
    assert tail.get_yscale() == "log"
    assert tail.get_ylim()[0] < 1  # a bin of one image has a height


def test_two_histograms_share_their_bins():
    figure = histograms(0.05)
    for axes in figure.axes:
        one, other = axes.patches
        assert set(one.get_xy()[:, 0]) == set(other.get_xy()[:, 0])
        assert one.get_fill()  # a second one that hardly differs leaves it in sight
        assert not other.get_fill()


def test_an_error_of_zero_is_marked_and_not_drawn_as_a_number():
    figure = draw_demonstration(demonstration())
    keep = figure.axes[0]
    lines = {line.get_label(): line for line in keep.get_lines()}
    errors = lines["GRU"].get_ydata()
    assert np.isnan(errors[-2:]).all()  # biases 18 and 20
    np.testing.assert_array_equal(errors[:-2], np.exp(-np.arange(0.0, 17, 2)))
    assert lines["GRU, error 0"].get_xdata().tolist() == [18, 20]
    assert "LSTM, error 0" not in lines


def test_a_panel_without_proven_bounds_has_no_line_for_them():
    figure = draw_demonstration(demonstration())
    assert [line.get_label() for line in figure.axes[2].get_lines()] == ["LSTM"]


def test_a_figure_is_saved_as_picture_and_as_vectors_the_same_each_time(tmp_path):
    contents = []
    for folder in (tmp_path / "one", tmp_path / "other"):
        folder.mkdir()
        style.save(histograms(0.05, count=20), folder, "figure-x")
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"figure-x.png", "figure-x.pdf"}
    assert contents[0]["figure-x.png"].startswith(b"\x89PNG")
    assert contents[0]["figure-x.pdf"].startswith(b"%PDF")
    assert plt.get_fignums() == []


def test_curves_are_drawn_by_task_and_cell(tmp_path):
    paths = []
    for task, variant, quantity in (
        ("classify", "lstm-32", "nats"),
        ("classify", "gru-32", "nats"),
        ("predict", "gru-64", "nats_per_pixel"),
    ):
        path = tmp_path / task / variant / "seed-1" / "train" / "curve_by_epoch.csv"
        path.parent.mkdir(parents=True)
        pd.concat([curve(2, quantity), curve(2, "accuracy")]).to_csv(path, index=False)
        paths.append(path)
    out = tmp_path / "figures"
    out.mkdir()
    draw_curves(
        curves=tuple(paths), lstm=("lstm-32",), gru=("gru-32", "gru-64"), palette=PALETTE, out=out
    )
    assert {path.stem for path in out.glob("*.png")} == {
        name
        for task, cell in (("classify", "lstm"), ("classify", "gru"), ("predict", "gru"))
        for name in figure_names.curves(task, cell).values()
    }


def test_the_cells_figure_is_drawn_from_the_demonstration(tmp_path):
    demonstration().to_csv(tmp_path / "demonstration.csv", index=False)
    draw_cells(demonstration=tmp_path / "demonstration.csv", out=tmp_path)
    assert (tmp_path / f"{figure_names.CELLS}.png").exists()
