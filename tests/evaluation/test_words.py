"""Whatever a table can hold has a label; what lacks one is named, with the file it belongs in."""

from itertools import combinations

import pandas as pd
import pytest
from study_copy import ROOT

from scanline.evaluation import quantities, words
from scanline.evaluation.comparisons import COMPARED
from scanline.evaluation.tables import NUMBER_OF, published
from scanline.figures.style import COLOURS
from scanline.inference.methods import METHODS

RESULTS = ROOT / "docs/results"
HIDDEN, WHOLE = "nats per hidden pixel", "nats per pixel"


def test_everything_has_a_label():
    words.check([method.name for method in METHODS])


def test_numbers_by_pixel_have_their_unit_and_all_others_name_it():
    for name, quantity in words.QUANTITIES.items():
        by_image = name.endswith(("_mean", "_std"))
        wanted = HIDDEN if name in quantities.COMPLETED else WHOLE if by_image else ""
        assert quantity.unit == wanted, name
    assert words.QUANTITIES["nats_per_pixel"].label == WHOLE
    assert words.QUANTITIES["nats_per_hidden_pixel"].label == HIDDEN


def test_every_number_is_written_with_the_digits_that_it_has():
    written = {
        **dict.fromkeys(("nats_per_image", "bits_per_image"), "1.23"),
        "nats_per_image_given_class": "1.23",
        **dict.fromkeys(("seconds_per_image", "log_observed_sd", "bound_gap"), "1.2"),
        "effective_sample_size": "1.2",
        **dict.fromkeys(("accuracy", "bayes_accuracy"), "123.46%"),
    }
    for name, quantity in words.QUANTITIES.items():
        wanted = written.get(name, "123.5%" if name.endswith("accuracy") else "1.2346")
        assert quantity.form.format(1.23456) == wanted, name
    assert words.QUANTITIES["effective_sample_size"].form.format(1234.56) == "1234.6"


def test_an_axis_has_its_unit_in_brackets():
    axes = {name: quantity.axis for name, quantity in words.QUANTITIES.items() if quantity.axis}
    assert axes == {
        "nats": "cross-entropy (nats)",
        "accuracy": "accuracy (fraction)",
        "nats_per_pixel": "cross-entropy (nats per pixel)",
    }


def test_costs_are_better_low():
    """What only describes is neither: statistics of an image, the entropy of a model."""
    low = {name for name, quantity in words.QUANTITIES.items() if quantity.best == "low"}
    costs = {"nats", "nats_per_pixel", "nats_per_image", "bits_per_image", "brier"}
    costs |= {"nats_per_image_given_class"}
    costs |= {"nats_per_hidden_pixel", "seconds_per_image"}
    costs |= {"ground_truth_under_samples", "ground_truth_teacher_forced"}
    assert low == costs | {quantities.PUBLISHED_AS.get(name, name) for name in costs}


def test_what_is_right_is_shown_in_percent_and_the_more_the_better():
    for name, quantity in words.QUANTITIES.items():
        assert quantity.is_share == name.endswith("accuracy"), name
        assert (quantity.best == "high") == name.endswith("accuracy"), name


@pytest.mark.parametrize("file", ["figures.csv", "targets.csv"])
def test_published_numbers_are_of_known_tasks_and_quantities(file):
    lines = pd.read_csv(RESULTS / file)
    for task, found in lines.groupby("task"):
        assert set(found["quantity"]) <= set(quantities.BY_TASK[task])


def test_what_is_published_and_compared_is_measured():
    for task, found in published().groupby("task"):
        assert set(found["quantity"]) <= set(quantities.BY_TASK[task])
    assert all(quantity in quantities.BY_TASK[task] for task, (quantity, *_) in COMPARED.items())
    assert set(NUMBER_OF) < set(words.TASKS)


def test_published_lines_on_holes_are_of_known_methods_and_quantities():
    lines = pd.read_csv(RESULTS / "posterior.csv")
    words.check(lines["method"].unique())
    assert set(quantities.FILLED) <= set(lines)


@pytest.mark.parametrize(
    ("table", "spoiled", "named"),
    [
        ("TASKS", {"classify": "class"}, "'predict'"),
        ("QUANTITIES", {"nats": words.QUANTITIES["nats"]}, "'accuracy'"),
    ],
)
def test_what_has_no_label_is_named_with_the_file_that_lacks_it(monkeypatch, table, spoiled, named):
    monkeypatch.setattr(words, table, spoiled)
    wanted = rf"{named} has no label; add it to {table} in src/"
    with pytest.raises(ValueError, match=wanted) as told:
        words.check()
    assert "\n" not in str(told.value)
    place = str(told.value).split(" in ")[1].split(",")[0]
    assert (ROOT / place).is_file()


def test_a_method_without_a_label_is_named():
    with pytest.raises(ValueError, match="'guess' has no label; add it to METHODS in src/scanline"):
        words.check(["prefix", "guess"])


def test_methods_can_be_told_apart_in_figures():
    drawn = [method for name, method in words.METHODS.items() if name != "truth"]
    for one, other in combinations(drawn, 2):
        assert one.marker != other.marker  # where there are no colours
        assert one.label != other.label
    # The darker shades of the second half are too like their own colours.
    assert all(method.colour < len(COLOURS) // 2 for method in words.METHODS.values())


def test_the_posterior_has_one_colour_and_every_other_method_one_of_its_own():
    by_colour: dict[int, set[str]] = {}
    for name, method in words.METHODS.items():
        by_colour.setdefault(method.colour, set()).add(name)
    assert sorted(map(sorted, by_colour.values())) == sorted(
        [["exact", "smc"], *([name] for name in words.METHODS if name not in ("exact", "smc"))]
    )
