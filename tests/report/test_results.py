"""The pages of results and of speed say what the committed numbers say."""

import operator
import re
import sys

import pandas as pd
import pytest
from study_copy import ROOT

from scanline.report import results

sys.path.append(str(ROOT / "benchmarks"))

import publish

PAGE = (ROOT / "docs/results.md").read_text()


def targets() -> list[dict[str, str]]:
    """The lines of the page's first table, by column."""
    table = PAGE.split("<!-- targets -->\n")[1].split("<!-- end -->")[0]
    names, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    return [dict(zip(names, row, strict=True)) for row in rows]


def committed() -> pd.DataFrame:
    return pd.read_csv(ROOT / "docs/results/figures.csv", dtype={"split_or_hidden": str})


def test_the_tables_of_results_are_those_of_the_committed_numbers(tmp_path):
    path = tmp_path / "results.md"
    path.write_text(PAGE)
    results.write(path, committed())
    assert path.read_text() == PAGE, "make publish writes them"


WANTED = [  # of each target: model, data, what is measured, bound
    ("gru-32", "mnist-threshold-0.1", "nats_per_pixel", "<", 0.0966),
    ("gru-64", "mnist-threshold-0.1", "nats_per_pixel", "<", 0.0878),
    ("gru-128", "mnist-threshold-0.1", "nats_per_pixel", "<", 0.0809),
    ("gru-3x32", "mnist-threshold-0.1", "nats_per_pixel", "<", 0.0853),
    ("gru-32", "mnist-threshold-0.1", "accuracy", ">=", 0.970),
    ("gru-64", "mnist-threshold-0.1", "accuracy", ">=", 0.985),
    ("gru-128", "mnist-threshold-0.1", "accuracy", ">=", 0.988),
    ("gru-3x32", "mnist-threshold-0.1", "accuracy", ">=", 0.983),
    ("lstm-32", "mnist-threshold-0.1", "accuracy", ">=", 0.960),
    ("lstm-64", "mnist-threshold-0.1", "accuracy", ">=", 0.975),
    ("lstm-128", "mnist-threshold-0.1", "accuracy", ">=", 0.983),
    ("lstm-3x32", "mnist-threshold-0.1", "accuracy", ">=", 0.965),
    ("gru-128", "mnist-threshold-0.1", "ground_truth_teacher_forced", "<=", 0.0650),
    ("context", "mnist-threshold-0.1", "nats_per_image", "<=", 58),
    ("context", "mnist-threshold-0.33", "nats_per_image", "<", 60),
    ("context", "mnist-bernoulli", "nats_per_image", "<=", 82),
    ("context", "mnist-bernoulli", "nats_per_image", "<", 80.75),
    ("context", "mnist-threshold-0.1", "nats_per_image", "<=", 54.5),
    ("context", "mnist-threshold-0.33", "nats_per_image", "<=", 57),
    ("context", "binarized-mnist", "nats_per_image", "<", 79.20),
    ("context", "mnist-bernoulli-redrawn", "nats_per_image", "<", 78.6),
    ("gru-128", "mnist-grey", "accuracy", ">=", 0.99),
    ("lstm-128", "mnist-grey", "accuracy", ">=", 0.99),
    ("gru-128", "mnist-grey-permuted", "accuracy", ">=", 0.94),
    ("lstm-128", "mnist-grey-permuted", "accuracy", ">=", 0.94),
]
TASKS = {"accuracy": "classify", "ground_truth_teacher_forced": "complete"}
HOLDS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}
# Epochs of the 2017 report times its 55,000 training images, in millions.
REPORTED = {"accuracy": {"gru-3x32": 3.3}, "nats_per_pixel": {}}


@pytest.mark.parametrize("place", range(len(WANTED)), ids=[" ".join(w[:3]) for w in WANTED])
def test_a_target_is_said_to_be_reached_where_the_committed_number_reaches_it(place):
    model, data, quantity, sign, bound = WANTED[place]
    row = targets()[place]
    figures = committed()
    found = figures[
        (figures["data"] == data)
        & (figures["quantity"] == quantity)
        & (figures["split_or_hidden"] == ("300" if "truth" in quantity else "test"))
        & (figures["task"] == TASKS.get(quantity, "predict"))
    ]
    if model == "context":
        named = found["model"].str.contains("-context") & ~found["model"].str.contains("mixture")
        means = found[named].groupby("model")["value"].mean()
        model = means.idxmin() if len(means) else model
    found = found[(found["model"] == model)]
    number = float(re.search(r"[0-9.]+", row["wanted"])[0])
    assert number == pytest.approx(bound * (100 if quantity == "accuracy" else 1))
    if found.empty:
        assert (row["test"], row["reached"]) == ("", "not measured")
        return
    assert row["model"] == model
    value = found["value"].mean()
    shown, scale = row["test"].split(" ")[0], 100 if "%" in row["test"] else 1
    assert float(shown) == pytest.approx(value * scale, abs=0.51 * 10 ** -len(shown.split(".")[1]))
    if row["report"]:
        published = found["published"].iloc[0] * scale
        assert float(row["report"].split(" ")[0]) == pytest.approx(published, abs=0.0051)
    presented = found["n_images_presented"].max() / 1e6
    assert float(row["presented, millions"]) == pytest.approx(presented, rel=0.01)
    default = {"accuracy": 5.5, "nats_per_pixel": 2.75}.get(quantity, float("inf"))
    allowed = REPORTED.get(quantity, {}).get(model, default)
    assert (row["reached"] == "yes") == (HOLDS[sign](value, bound) and presented <= allowed)


def on_test_split(**wanted: str) -> pd.DataFrame:
    """The first committed line on the test split that is as wanted."""
    numbers, wanted = committed(), wanted | {"split_or_hidden": "test"}
    return numbers[(numbers[list(wanted)] == list(wanted.values())).all(axis=1)].iloc[:1]


def test_several_seeds_are_a_mean_with_its_standard_error():
    line = on_test_split(model="gru-32", quantity="nats_per_pixel")
    both = pd.concat([line.assign(value=0.08), line.assign(value=0.09, seed=9)])
    assert re.search(r"\| 0\.0850 ± 0\.0050 \(2 seeds\) +\|", results.targets(both))
    # 3 million images are more than the report's 50 epochs.
    assert "no: more presented than the report's" in results.targets(
        line.assign(n_images_presented=3_000_000)
    )


def test_beside_other_people_s_models_a_mean_over_seeds_has_its_error():
    line = on_test_split(data="binarized-mnist", quantity="nats_per_image")
    both = pd.concat([line.assign(value=80.0), line.assign(value=82.0, seed=9)])
    assert re.search(r"\| 81\.00 ± 1\.00 \(2 seeds\) +\|", results.literature(both))


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path):
    path = tmp_path / "results.md"
    path.write_text("# No results\n")
    with pytest.raises(ValueError, match="has no place <!-- targets -->"):
        results.write(path, committed())


def test_speeds_are_the_committed_benchmark_s():
    """As ``python benchmarks/publish.py`` writes them."""
    page = (ROOT / "docs/speed.md").read_text()
    written = page.split("<!-- speeds -->")[1].split("<!-- end -->")[0]
    assert written.strip() == publish.speeds(ROOT / "docs/results").strip()
