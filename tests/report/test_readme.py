"""What the README says is so: numbers are those of committed results, links and commands exist."""

import operator
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from study_copy import ROOT, overlaid

from scanline.report import readme
from scanline.study import config as study_config
from scanline.study import settings as study_settings

sys.path.append(str(ROOT / "benchmarks"))

import publish

README = (ROOT / "README.md").read_text()


def table_below(heading: str) -> list[dict[str, str]]:
    """The lines of the first table below a heading, by column."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))
    assert {"run", "test"} <= named <= targets


def test_the_config_of_one_s_own_images_is_valid():
    (own,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    merged = overlaid(config, yaml.safe_load(own))
    study_config.validate(merged)
    given = {
        name: study_settings.settings(
            merged, "train_predictor", data="mine", variant=name, seed="3"
        )
        for name in ("gru-128", "gru-64")
    }
    assert [given["gru-128"]["epochs"], given["gru-64"]["epochs"]] == [5, 40]


def committed() -> pd.DataFrame:
    return pd.read_csv(ROOT / "docs/results/figures.csv", dtype={"split_or_hidden": str})


def test_the_tables_of_results_are_those_of_the_committed_numbers(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README)
    readme.write(path, committed())
    assert path.read_text() == README, "make publish writes them"


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
]
TASKS = {"accuracy": "classify", "ground_truth_teacher_forced": "complete"}
HOLDS = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}
# Epochs of the 2017 report times its 55,000 training images, in millions.
REPORTED = {"accuracy": {"gru-3x32": 3.3}, "nats_per_pixel": {}}


@pytest.mark.parametrize("place", range(len(WANTED)), ids=[" ".join(w[:3]) for w in WANTED])
def test_a_target_is_said_to_be_reached_where_the_committed_number_reaches_it(place):
    model, data, quantity, sign, bound = WANTED[place]
    row = table_below("Results")[place]
    figures = committed()
    found = figures[
        (figures["data"] == data)
        & (figures["quantity"] == quantity)
        & (figures["split_or_hidden"] == ("300" if "truth" in quantity else "test"))
        & (figures["task"] == TASKS.get(quantity, "predict"))
    ]
    if model == "context":
        means = found[found["model"].str.endswith("-context")].groupby("model")["value"].mean()
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


def test_several_seeds_are_a_mean_with_its_standard_error():
    line = committed()
    line = line[
        (line["model"] == "gru-32")
        & (line["quantity"] == "nats_per_pixel")
        & (line["split_or_hidden"] == "test")
    ].iloc[:1]
    both = pd.concat([line.assign(value=0.08), line.assign(value=0.09, seed=9)])
    assert re.search(r"\| 0\.0850 ± 0\.0050 \(2 seeds\) +\|", readme.targets(both))
    # 3 million images are more than the report's 50 epochs.
    assert "no: more presented than the report's" in readme.targets(
        line.assign(n_images_presented=3_000_000)
    )


def test_a_readme_without_a_place_for_a_table_is_refused(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# No results\n")
    with pytest.raises(ValueError, match="has no place <!-- targets -->"):
        readme.write(path, committed())


def test_speeds_are_the_committed_benchmark_s():
    """As ``python benchmarks/publish.py`` writes them."""
    written = README.split("<!-- speeds -->")[1].split("<!-- end -->")[0]
    assert written.strip() == publish.speeds(ROOT / "docs/results").strip()


def test_the_command_that_completes_an_image_runs(tmp_path):
    """As it stands, but for fewer particles and another place of the picture."""
    command = re.search(r"^(scanline complete .*)$", README, re.MULTILINE)
    assert command
    words = command[1].split()
    assert words[-2:] == ["--out", "completed.png"]
    words[-1] = str(tmp_path / "completed.png")
    small = ["--runs", "2", "--particles", "8", "--moves", "1"]
    done = subprocess.run(
        [sys.executable, "-m", *words, *small],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^log p\(observed\) +-\d", done.stdout, re.MULTILINE)
    assert (tmp_path / "completed.png").stat().st_size > 10_000
