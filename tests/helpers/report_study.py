"""A whole study's tables and figures without a model, its report, and the report as parsed."""

import csv
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image
from posterior_tables import posterior_table
from study_copy import figures_of_config

from demonstrate_cells import demonstrate_cells
from make_tables import make_tables
from scanline.evaluation import tables
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from write_report import write_report

STAGES = {"classify": "score", "predict": "score", "complete": "score", "inpaint": "posterior"}
BINARISED = {
    "data": "mnist-threshold-0.1",
    "source": "mnist",
    "method": "threshold",
    "threshold": 0.1,
    "validation_images": 5000,
}


def read_rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_scores(folder: Path) -> list[Path]:
    """scores.csv of all that was published in 2017, each number 0.001 higher."""
    stages: dict = {}
    for row in read_rows(tables.PUBLISHED):
        lines = stages.setdefault((row["task"], row["model"]), [])
        value = float(row["value"]) + 0.001
        lines.append((row["quantity"], row["split_or_hidden"], value, 100))
    paths = []
    for (task, model), lines in stages.items():
        path = folder / f"mnist/{task}/{model}/seed-1/{STAGES[task]}/scores.csv"
        path.parent.mkdir(parents=True)
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["quantity", "split_or_hidden", "value", "n"])
            writer.writerows(lines)
        paths.append(path)
    return paths


def record(folder: Path, script: str, settings: dict) -> Path:
    """run.json of a stage that did nothing."""
    folder.mkdir(parents=True)
    Record.begin(script, folder, settings, {}).end(folder)
    return folder / "run.json"


def study_in(folder: Path) -> dict:
    """What the report of a whole study is written from."""
    run(make_tables, scores=tuple(write_scores(folder)), beside="report", out=folder / "tables")
    small = {"steps": 30, "units": 2, "sequences": 32, "seed": 0}
    run(demonstrate_cells, gate_biases=(2.0, 8.0), **small, out=folder / "cells")
    drawn = folder / "figures"
    drawn.mkdir()
    for place, name in enumerate(figures_of_config()):
        colour = (place, 100, 100)  # its own
        Image.new("RGB", (900, 60), colour).save(drawn / f"{name}.png")  # wider than a telephone
    posterior_table().to_csv(folder / "posterior.csv", index=False)
    return {
        "posterior": folder / "posterior.csv",
        "tables": tuple(sorted((folder / "tables").glob("table-*.csv"))),
        "comparisons": folder / "tables" / "comparisons.csv",
        "cells": folder / "cells" / "cells.csv",
        "figures": tuple(drawn.glob("*.png")),
        "records": (
            folder / "tables" / "run.json",
            folder / "cells" / "run.json",
            record(folder / "pixels", "binarise", BINARISED),
        ),
    }


def written(study: dict, out: Path, **changes) -> str:
    out.mkdir()
    write_report(**(study | changes), out=out)
    assert [path.name for path in out.iterdir()] == ["report.html"]
    return (out / "report.html").read_text()


class Parsed(HTMLParser):
    """The tables by caption (rows of cells' text), headings, addresses, figures."""

    def __init__(self, text: str):
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.figures: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.caption = ""
        self.into: str | None = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.addresses += [values[key] for key in ("src", "href", "action") if key in values]
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "small":
            self.rows[-1][-1] += " | "
        elif tag == "h2":
            self.headings.append("")
        elif tag == "figure":
            self.last = values["id"]
        elif tag == "img" and values.get("class") != "first":
            self.figures[self.last] = values["src"]
        if tag in ("td", "th", "caption", "h2"):
            self.into = tag

    def handle_endtag(self, tag):
        if tag == "table":
            self.tables[self.caption] = self.rows
        if tag == self.into:
            self.into = None

    def handle_data(self, data):
        if self.into == "caption":
            self.caption += data
        elif self.into == "h2":
            self.headings[-1] += data
        elif self.into:
            self.rows[-1][-1] += data
