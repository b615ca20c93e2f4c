"""What the README says is so: numbers are those of committed results, links and commands exist."""

import re

import pandas as pd
import pytest
from study_copy import ROOT

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


@pytest.mark.parametrize("row", table_below("Results"), ids=lambda row: row["model"])
def test_results_are_the_committed_figures(row):
    figures = pd.read_csv(ROOT / "docs/results/figures.csv")
    task, quantity = {
        "next pixel": ("predict", "nats_per_pixel"),
        "class": ("classify", "accuracy"),
    }[row["task"]]
    found = figures[
        (figures["task"] == task)
        & (figures["model"] == row["model"])
        & (figures["quantity"] == quantity)
        & (figures["split_or_hidden"] == "test")
        & (figures["data"] == "mnist-threshold-0.1")
    ]
    assert len(found) == 1
    digits = len(row["test"].split(".")[1])
    assert float(row["test"]) == round(found["value"].item(), digits)
    if row["report"]:
        assert float(row["report"]) == round(found["published"].item(), digits)
    presented = float(row["presented, millions"]) * 1e6
    assert presented == pytest.approx(found["n_images_presented"].item(), rel=0.01)


def test_speeds_are_the_committed_benchmark_s():
    bench = pd.read_csv(ROOT / "docs/results/bench-training.csv")
    for row in table_below("The recurrent core"):
        lines = bench[bench["variant"] == row["variant"]]
        ours = lines[lines["implementation"] == "scanline"]
        best = ours.loc[ours["images_per_second"].idxmax()]
        assert int(row["images/s"].replace(",", "")) == round(best["images_per_second"])
        assert float(row["ratio to the better peer"]) == round(best["ratio_to_best_peer"], 1)
        assert row["share of the limit"] == f"{best['share_of_limit']:.0%}".replace("%", " %")
