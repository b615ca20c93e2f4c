"""The figure of nats against hours."""

import matplotlib.pyplot as plt
import pandas as pd

from scanline.figures.hours import draw_hours


def line(data: str, model: str, nats: float, hours: float, **other) -> dict:
    told = dict(task="predict", quantity="nats_per_image", split_or_hidden="test", seed=1)
    told |= dict(data=data, model=model, value=nats, n_images_presented=1000, cpu_hours=hours)
    return told | dict(low=nats - 1, high=nats + 2, n_parameters=100) | other


def test_a_panel_of_each_data_set_has_its_models_at_their_hours():
    lines = [line("a", "gru-32", 60, 0.5), line("a", "gru-64", 54, 1), line("b", "gru-32", 80, 1)]
    lines += [line("a", "gru-64", 56, 3, seed=2)]  # the mean over seeds is shown
    left_out = [
        line("a", "gru-9", 9, 9, task="complete"),
        line("a", "gru-9", 9, 9, quantity="nats_per_pixel"),
        line("c", "gru-9", 9, 9, split_or_hidden="train"),
    ]
    figure = draw_hours(pd.DataFrame(lines + left_out))
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert list(panels) == ["a", "b"]
    points = {each.get_label(): each for each in panels["a"].containers}
    found = {name: each.lines[0].get_xydata().tolist() for name, each in points.items()}
    assert found == {"gru-32": [[0.5, 60]], "gru-64": [[2, 55]]}
    bars = [each.lines[2][0].get_segments()[0][:, 1].tolist() for each in points.values()]
    assert bars == [[59, 62], [54, 57]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["gru-32", "gru-64"]
    looks = {
        (each.lines[0].get_color(), each.lines[0].get_marker())
        for axes in figure.axes
        for each in axes.containers
    }
    assert len(looks) == 2  # a model looks the same in each panel
    plt.close(figure)
