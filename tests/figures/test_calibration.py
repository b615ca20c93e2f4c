"""Figures of calibration: what is drawn is what was measured, and no text lies on another."""

import itertools

import numpy as np
import pandas as pd
import pytest
from drawn_texts import no_text_lies_on_another

from draw_calibration import draw_calibration
from scanline.evaluation.quantities import ENOUGH
from scanline.figures import names as figure_names
from scanline.figures.calibration import draw_errors, draw_ranks, draw_sizes

COUNTS = (16, 64, 256)


@pytest.fixture
def ranks():
    generator = np.random.default_rng(1)
    lines = [
        (hole, image, statistic, generator.integers(10))
        for hole in ("8x8", "upper-half")
        for statistic in ("ink", "log_likelihood")
        for image in range(300)
    ]
    return pd.DataFrame(lines, columns=["hole", "image", "statistic", "rank"])


@pytest.fixture
def errors():
    lines = [
        (hole, count, reference, 1 / count**0.5, 0.1 / count**0.5, count / 3, count / 1000)
        for hole, reference in (("2x2", "exact"), ("upper-half", "pooled"))
        for count in COUNTS
    ]
    columns = ["hole", "particles", "reference", "log_observed_error", "marginals_error"]
    columns += ["effective_sample_size", "seconds_per_image"]
    return pd.DataFrame(lines, columns=columns)


@pytest.fixture
def sizes():
    lines = [
        (hole, count, step, count / (1 + step % 50))
        for hole in ("2x2", "upper-half")
        for count in COUNTS
        for step in range(784)
    ]
    return pd.DataFrame(lines, columns=["hole", "particles", "step", "effective_sample_size"])


def test_bars_count_the_images_of_each_rank(ranks):
    figure = draw_ranks(ranks)
    groups = ranks.groupby(["hole", "statistic"], sort=False)
    for axes, (_, lines) in zip(figure.axes, groups, strict=True):
        heights = [bar.get_height() for bar in axes.patches[-10:]]
        assert heights == [int((lines["rank"] == rank).sum()) for rank in range(10)]


def test_errors_stand_against_particles_and_time(errors):
    figure = draw_errors(errors)
    for axes, (kind, scale) in zip(
        figure.axes,
        itertools.product(("log_observed_error", "marginals_error", "effective_sample_size"),
                          ("particles", "seconds_per_image")),
        strict=True,
    ):  # fmt: skip
        drawn = {
            (line.get_label(), *point)
            for line in axes.get_lines()
            if line.get_marker() == "o"
            for point in zip(*line.get_data(), strict=True)
        }
        assert drawn == {
            (f"{line['hole']} (against {line['reference']})", line[scale], line[kind])
            for line in errors.to_dict("records")
        }
    levels = [set(axes.get_lines()[-1].get_ydata()) for axes in figure.axes[-2:]]
    assert levels == [{ENOUGH}] * 2


def test_sizes_are_those_after_each_pixel(sizes):
    figure = draw_sizes(sizes)
    for axes, (_, lines) in zip(figure.axes, sizes.groupby("hole"), strict=True):
        for line, count in zip(axes.get_lines(), COUNTS, strict=True):
            wanted = lines[lines["particles"] == count]["effective_sample_size"]
            np.testing.assert_array_equal(line.get_ydata(), wanted)


def test_no_text_lies_on_another(ranks, errors, sizes):
    for figure in (draw_ranks(ranks), draw_errors(errors), draw_sizes(sizes)):
        no_text_lies_on_another(figure)


@pytest.mark.parametrize("decades", [0.02, 0.2, 0.5, 0.9, 1.4, 1.9, 3, 6])
def test_axes_of_any_length_carry_numbers(errors, decades):
    low = 0.0042  # no power of ten
    for name in ("seconds_per_image", "log_observed_error", "marginals_error"):
        errors[name] = low * 10 ** (decades * np.linspace(0, 1, len(errors)))
    figure = draw_errors(errors)
    no_text_lies_on_another(figure)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = axis.get_view_interval()
            shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            assert sum(bool(tick.label1.get_text()) for tick in shown) > 1


def test_script_writes_the_figures(tmp_path, ranks, errors, sizes):
    for name, table in {"ranks": ranks, "errors": errors, "sizes": sizes}.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    out = tmp_path / "out"
    out.mkdir()
    given = {name: tmp_path / f"{name}.csv" for name in ("ranks", "errors", "sizes")}
    draw_calibration(**given, model="gru-8", out=out)
    for kind in ("png", "pdf"):
        wanted = set(figure_names.calibration("gru-8").values())
        assert {path.stem for path in out.glob(f"*.{kind}")} == wanted
