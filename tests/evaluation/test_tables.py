"""Tables: the report's numbers beside ours, and differences that can be trusted."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from study_copy import ROOT

from make_tables import make_tables
from scanline.evaluation import tables
from scanline.evaluation.image_values import Number
from scanline.evaluation.intervals import interval_of_mean
from scanline.study import settings as study_settings

# As they are printed in the report: table, task, model, quantity, split or hidden pixels, value.
PRINTED = [
    ("classify", "lstm-32", "nats", "test", 0.25888),
    ("classify", "gru-3x32", "accuracy", "train", 0.97975),
    ("predict", "gru-128", "nats_per_pixel", "test", 0.08092),
    ("complete", "gru-64", "ground_truth_under_samples", "300", 0.60323),
    ("inpaint", "gru-128", "difference_mean", "2x2", -0.00409),
]
STAGES = {"classify": "score", "predict": "score", "complete": "score", "inpaint": "posterior"}


def write_scores(folder: Path, task: str, model: str, lines: dict, seed: int = 1) -> Path:
    """scores.csv of one stage; ``lines``: value by quantity and split or hidden pixels."""
    path = folder / f"some-data/{task}/{model}/seed-{seed}/{STAGES[task]}/scores.csv"
    path.parent.mkdir(parents=True)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["quantity", "split_or_hidden", "value", "n"])
        writer.writerows([*keys, value, 100] for keys, value in lines.items())
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("task", "model", "quantity", "where", "value"), PRINTED)
def test_a_printed_number_stands_beside_ours(tmp_path, task, model, quantity, where, value):
    path = write_scores(tmp_path, task, model, {(quantity, where): 0.5})
    seed_by_seed = tables.figures([path], {})
    for line in (seed_by_seed.iloc[0], tables.comparison(seed_by_seed, task, {}).iloc[0]):
        assert (line["measured"], line["published"]) == (0.5, value)
        assert line["difference"] == pytest.approx(0.5 - value, abs=1e-15)


def test_every_published_number_can_be_met(tmp_path):
    """All of published.csv, measured 0.001 too high: no number is lost on the way to a table."""
    published = read_rows(tables.PUBLISHED)
    stages: dict = {}
    for row in published:
        lines = stages.setdefault((row["task"], row["model"]), {})
        lines[row["quantity"], row["split_or_hidden"]] = float(row["value"]) + 0.001
    scores = [write_scores(tmp_path, *stage, lines) for stage, lines in stages.items()]
    out = tmp_path / "tables"
    out.mkdir()
    make_tables(scores=tuple(scores), beside="report", out=out)

    found = {}
    for task, number in tables.NUMBER_OF.items():
        for row in read_rows(out / f"table-{number}-{task}.csv"):
            key = task, row["model"], row["quantity"], row["split_or_hidden"]
            assert key not in found
            found[key] = row
    assert len(found) == len(published)
    for row in published:
        line = found[row["task"], row["model"], row["quantity"], row["split_or_hidden"]]
        assert float(line["published"]) == float(row["value"])
        assert float(line["difference"]) == pytest.approx(0.001, abs=1e-12)
    assert len(read_rows(out / "figures.csv")) == len(published)


def test_what_the_report_lacks_has_no_difference(tmp_path):
    path = write_scores(
        tmp_path,
        "complete",
        "gru-64",
        {("ground_truth_teacher_forced", 10): 0.2, ("samples", 10): 0.3},
    )
    table = tables.comparison(tables.figures([path], {}), "complete", {}).set_index("quantity")
    assert math.isnan(table.published["ground_truth_teacher_forced"])
    assert math.isnan(table.difference["ground_truth_teacher_forced"])
    assert table.published["samples"] == 0.1959


def test_a_variant_that_the_report_lacks_is_shown_alone(tmp_path):
    path = write_scores(tmp_path, "classify", "gru-7", {("accuracy", "test"): 0.9})
    line = tables.comparison(tables.figures([path], {}), "classify", {}).iloc[0]
    assert (line["model"], line["measured"]) == ("gru-7", 0.9)
    assert math.isnan(line["published"])


def test_seeds_are_one_line_with_the_standard_error_of_their_mean(tmp_path):
    values = {1: 0.90, 2: 0.94, 5: 0.98}
    scores = [
        write_scores(tmp_path, "classify", "gru-32", {("accuracy", "test"): value}, seed)
        for seed, value in values.items()
    ]
    numbers = tables.figures(scores, {})
    assert dict(zip(numbers["seed"], numbers["measured"], strict=True)) == values
    table = tables.comparison(numbers, "classify", {})
    assert len(table) == 1
    line = table.iloc[0]
    assert line["measured"] == pytest.approx(0.94)
    # Deviations -0.04, 0, 0.04: variance 0.0032 / 2, over 3 seeds.
    assert line["standard_error"] == pytest.approx(math.sqrt(0.0016 / 3))
    assert line["n_seeds"] == 3
    assert line["difference"] == pytest.approx(0.94 - 0.9524)


def test_a_number_has_the_interval_of_its_values_and_several_seeds_that_of_their_mean(tmp_path):
    generator = np.random.default_rng(2)
    hard, line = generator.normal(70, 20, 400), ("nats_per_image", "test")
    values = {seed: hard + generator.normal(0, 9, 400) for seed in (1, 2)}
    scores = [
        write_scores(
            tmp_path, "predict", "gru-32", {line: mine.mean(), ("accuracy", "test"): 1}, seed
        )
        for seed, mine in values.items()
    ]
    named = {Number("predict", "gru-32", seed, *line): mine for seed, mine in values.items()}
    numbers = tables.figures(scores, named)
    for row in numbers[numbers["quantity"] == "nats_per_image"].itertuples():
        assert (row.low, row.high) == interval_of_mean(values[row.seed])
    table = tables.comparison(numbers, "predict", named).set_index("quantity")
    both = interval_of_mean((values[1] + values[2]) / 2)
    assert tuple(table.loc["nats_per_image", ["low", "high"]]) == both
    assert table.loc["accuracy", ["low", "high"]].isna().all()


def test_a_model_on_other_data_has_the_interval_of_its_own_values(tmp_path):
    """Two seeds here and two that were trained elsewhere: a line and an interval for each pair."""
    generator, line = np.random.default_rng(3), ("nats_per_image", "test")
    values, scores = {}, []
    for number, source in enumerate(("", "", "elsewhere", "elsewhere")):
        mine = generator.normal(70 + number, 20, 400)
        values[Number("predict", "gru-32", number, *line, source)] = mine
        path = write_scores(tmp_path, "predict", "gru-32", {line: mine.mean()}, number)
        pd.read_csv(path).assign(trained_on=source).to_csv(path, index=False)
        scores.append(path)
    table = tables.comparison(tables.figures(scores, values), "predict", values)
    assert table["trained_on"].tolist() == ["", "elsewhere"]
    arrays = list(values.values())
    for place, mine in enumerate((arrays[:2], arrays[2:])):
        low, high = table.loc[place, ["low", "high"]]
        assert (low, high) == interval_of_mean(np.mean(mine, axis=0))


def test_one_seed_has_no_standard_error(tmp_path):
    path = write_scores(tmp_path, "classify", "gru-32", {("accuracy", "test"): 0.9})
    line = tables.comparison(tables.figures([path], {}), "classify", {}).iloc[0]
    assert math.isnan(line["standard_error"])
    assert line["n_seeds"] == 1


def test_a_task_without_scores_has_no_table(tmp_path):
    path = write_scores(tmp_path, "predict", "gru-32", {("nats_per_pixel", "test"): 0.1})
    out = tmp_path / "tables"
    out.mkdir()
    make_tables(scores=(path,), beside="report", out=out)
    names = ["comparisons.csv", "figures.csv", "table-3.3-predict.csv"]
    assert sorted(each.name for each in out.iterdir()) == names


def test_no_scores_and_scores_from_elsewhere_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no scores are given"):
        tables.measured([])
    path = tmp_path / "scores.csv"
    path.write_text("quantity,split_or_hidden,value,n\n")
    with pytest.raises(ValueError, match=r"scores\.csv does not lie in data/task/variant/seed-N"):
        tables.measured([path])


@pytest.mark.parametrize("model", ["gru-128", "gru-32"])
def test_matched_polarity_is_given_for_the_model_that_was_asked(tmp_path, model):
    lines = {("ground_truth_mean", "1x1"): 0.1, ("ground_truth_mean", "2x2"): 0.1}
    numbers = tables.figures([write_scores(tmp_path, "inpaint", model, lines)], {})
    matched = tables.comparison(numbers, "inpaint", {})["published_matched_polarity"].tolist()
    assert matched == (
        [0.0837, 0.0831] if model == "gru-128" else pytest.approx([math.nan] * 2, nan_ok=True)
    )


def test_numbers_for_other_pixels_have_nothing_published_beside_them(tmp_path):
    lines = {("ground_truth_mean", "1x1"): 0.1}
    path = write_scores(tmp_path, "inpaint", "gru-128", lines)
    out = tmp_path / "tables"
    out.mkdir()
    make_tables(scores=(path,), out=out, beside="nothing")
    table = pd.read_csv(out / "table-4.1-inpaint.csv")
    assert table["measured"].tolist() == [0.1]
    assert table[["published", "difference", "published_matched_polarity"]].isna().all(axis=None)


def test_no_published_number_stands_beside_those_for_other_pixels(tmp_path):
    scores = []
    for (task, model), lines in tables.published().groupby(["task", "model"]):
        named = zip(lines["quantity"], lines["split_or_hidden"], strict=True)
        scores.append(write_scores(tmp_path, task, model, dict.fromkeys(named, 0.5)))
    found = tables.figures(scores, {}, comparable=False)
    assert len(found) == len(tables.published())
    assert found[["table", "published", "difference"]].isna().all(axis=None)


def test_lines_come_as_they_were_measured(tmp_path):
    scores = [
        write_scores(tmp_path, "predict", model, {("nats_per_pixel", "test"): 0.1})
        for model in ("lstm-32", "gru-64", "gru-32")
    ]
    table = tables.comparison(tables.figures(scores, {}), "predict", {})
    assert table["model"].tolist() == ["lstm-32", "gru-64", "gru-32"]


def test_only_the_report_s_own_pixels_are_compared_with_it():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    beside = {
        data: study_settings.settings(config, "make_tables", data=data)["beside"]
        for data in config["datasets"]
    }
    assert {data for data, what in beside.items() if what == "report"} == {"mnist-threshold-0.1"}
    assert set(beside.values()) == {"report", "nothing"}
