"""The figure of what the cells can do: errors of zero, bounds, and nothing overlaps."""

import itertools

import numpy as np
import pandas as pd
from drawn_texts import can_be_read

from draw_cells import draw_cells
from scanline.figures import names as figure_names
from scanline.figures.demonstration import draw_demonstration


def demonstration() -> pd.DataFrame:
    """A demonstration table in which errors fall until they are exactly 0."""
    lines = []
    for name, cells in (("keep", "lstm gru"), ("copy", "lstm gru"), ("imitate", "lstm")):
        for cell, bias in itertools.product(cells.split(), range(0, 21, 2)):
            error = 0.0 if cell == "gru" and bias > 16 else np.exp(-bias)
            lines.append((name, cell, bias, error, np.nan if name == "imitate" else 2 * error))
    return pd.DataFrame(lines, columns=["demonstration", "cell", "gate_bias", "error", "bound"])


def test_it_can_be_read():
    can_be_read(draw_demonstration(demonstration()))


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


def test_the_cells_figure_is_drawn_from_the_demonstration(tmp_path):
    demonstration().to_csv(tmp_path / "demonstration.csv", index=False)
    draw_cells(demonstration=tmp_path / "demonstration.csv", out=tmp_path)
    assert (tmp_path / f"{figure_names.CELLS}.png").exists()
