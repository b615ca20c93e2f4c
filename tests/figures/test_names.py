"""Names of the figures: the report's numbers where it has them, and no name twice."""

import re

import pytest
from study_copy import figures_of_config

from scanline.figures import names as figure_names
from scanline.report.pictures import caption_of, kind_of


@pytest.fixture
def names() -> list[str]:
    return figures_of_config()


def number_of(name: str) -> int | None:
    found = re.match(r"figure-(\d\d)-", name)
    return int(found[1]) if found else None


def test_the_study_has_all_figures_of_the_report(names):
    assert {number_of(name) for name in names} - {None} == set(range(1, 24))


def test_no_two_figures_share_a_name(names):
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ["classify", "lstm", "loss"]),
        (4, ["classify", "gru", "accuracy"]),
        (5, ["predict", "gru", "loss"]),
        (9, ["completion", "10", "c"]),
        (10, ["completion", "28", "a"]),
        (15, ["completion", "300", "c"]),
        (17, ["inpainting", "2x2"]),
        (19, ["completion", "truth"]),
        (22, ["completion", "gru", "128"]),
        (23, ["completion", "gru", "3x32"]),
    ],
)
def test_a_number_is_that_of_the_report_s_figure(names, number, words):
    numbered = [name for name in names if number_of(name) == number]
    assert numbered
    for name in numbered:
        assert set(words) <= set(name.split("-"))


def test_what_the_report_lacks_has_a_name_without_a_number():
    others = [
        *figure_names.curves("predict", "lstm").values(),
        *figure_names.digits(50).values(),
        figure_names.first_samples("gru-2x8"),
        figure_names.inpainting("3x3", "gru-2x8")["histogram"],
    ]
    assert [number_of(name) for name in others] == [None] * len(others)
    assert len(set(others)) == len(others)


def test_one_hidden_pixel_is_not_drawn():
    assert figure_names.completions([1], ["gru-32"]) == figure_names.completions([], ["gru-32"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (figure_names.CELLS, "cells"),
        (figure_names.curves("classify", "gru")["loss"], "classify"),
        (figure_names.curves("predict", "lstm")["accuracy"], "predict"),
        (figure_names.digits(10)["a"], "digit"),
        (figure_names.digits(50)["c"], "digit"),
        (figure_names.TRUTH, "mosaic"),
        (figure_names.first_samples("model-a"), "mosaic"),
        (figure_names.inpainting("1x1", "classify-a")["examples"], "inpainting"),
        (figure_names.POSTERIOR, "posterior"),
        (figure_names.posterior("completion-a")["reliability"], "posterior"),
        (figure_names.calibration("completion-a")["ranks"], "calibration"),
    ],
)
def test_the_report_tells_from_a_name_where_a_figure_stands(name, kind):
    assert kind_of(name) == kind


def test_the_report_tells_images_by_class_from_images():
    caption, _, _ = caption_of(figure_names.by_class("gru-8"))
    assert caption.startswith("Images that gru-8 sampled, told nothing but their class")
    caption, _, _ = caption_of(figure_names.sampled("gru-8"))
    assert caption.startswith("Images that gru-8 sampled from nothing (orange)")


def test_a_figure_of_no_kind_is_refused():
    with pytest.raises(ValueError, match="figure-other"):
        kind_of("figure-other")
