"""The HTML report of a tiny study: its numbers, and how it stands in a real browser."""

import csv
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import yaml
from posterior_tables import methods_table
from study_copy import ROOT, figures_of_config

from demonstrate_cells import demonstrate_cells
from make_tables import make_tables
from scanline import tables
from scanline.by_image import Number
from scanline.command import run
from scanline.comparisons import comparisons
from scanline.record import Record
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
    Record.begin(script, folder, settings, []).end(folder)
    return folder / "run.json"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> dict:
    """What the report of a whole study is written from."""
    folder = tmp_path_factory.mktemp("study")
    run(make_tables, scores=tuple(write_scores(folder)), out=folder / "tables")
    run(demonstrate_cells, gate_biases=(2.0, 8.0), steps=30, units=2, out=folder / "cells")
    drawn = folder / "figures"
    drawn.mkdir()
    for place, name in enumerate(figures_of_config()):
        picture = np.random.default_rng(place).random((60, 900, 3))  # wider than any telephone
        plt.imsave(drawn / f"{name}.png", picture)
    posterior = methods_table().assign(model="gru-128", n_seeds=1)
    posterior.to_csv(folder / "posterior.csv", index=False)
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


@pytest.fixture(scope="module")
def report(study, tmp_path_factory) -> str:
    return written(study, tmp_path_factory.mktemp("report") / "out")


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
        elif tag == "img":
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


@pytest.fixture(scope="module")
def parsed(report) -> Parsed:
    return Parsed(report)


def lookup(table: list[list[str]], row: str, column: str) -> str:
    (line,) = [line for line in table[1:] if line[0] == row]
    return line[table[0].index(column)]


@pytest.mark.parametrize(
    ("caption", "row", "column", "wanted"),
    [  # the report's numbers as they are printed in it
        ("Table 2.3: classifiers", "lstm-32", "cross-entropy, nats (test)", 0.25888),
        ("Table 2.3: classifiers", "gru-3x32", "accuracy (train)", 0.97975),
        ("Table 3.3: next-pixel models", "gru-128", "nats per pixel (test)", 0.08092),
        (
            "Table 3.4.1: gru-64, nats per hidden pixel",
            "300",
            "ground truth under samples",
            0.60323,
        ),
        (
            "Tables 4.1.1 and 4.1.2: gru-128",
            "in-painting − ground truth, mean",
            "2x2",
            -0.00409,
        ),
    ],
)
def test_a_number_has_the_published_one_and_the_difference_below_it(
    parsed, caption, row, column, wanted
):
    ours, published = (f"{value:.5f}".replace("-", "−") for value in (wanted + 0.001, wanted))
    assert lookup(parsed.tables[caption], row, column) == (
        f"{ours} | report {published} | difference +0.00100"
    )


def test_every_number_of_every_table_is_shown(parsed, study):
    shown = {"classify": 0, "predict": 0, "complete": 0, "inpaint": 0}
    prefixes = {"Table 2.3": "classify", "Table 3.3": "predict", "Table 3.4.1": "complete"}
    for caption, rows in parsed.tables.items():
        cells = sum(bool(cell) for row in rows[1:] for cell in row[1:])
        task = prefixes.get(caption.split(":")[0])
        task = "inpaint" if caption.startswith("Tables 4.1.1") else task
        if task:
            shown[task] += cells
    for path in study["tables"]:
        task = path.stem.split("-")[-1]
        assert shown[task] == len(read_rows(path))
    (cells,) = [rows for caption, rows in parsed.tables.items() if "Section 1.1" in caption]
    assert len(cells) - 1 == len(read_rows(study["cells"]))


def test_intervals_and_the_ranking_of_models_are_shown(study, tmp_path):
    generator = np.random.default_rng(1)
    values = {
        Number("predict", model, 1, "nats_per_image", "test"): generator.normal(mean, 1, 100)
        for model, mean in (("gru-128", 62.0), ("gru-64", 65.0), ("gru-32", 70.0))
    }
    name = next(iter(values))
    lines = {(name.quantity, "test"): values[name].mean()}
    numbers = tables.figures([one_score(tmp_path, name, lines)], values)
    table = tables.comparison(numbers, "predict", values)
    table.to_csv(tmp_path / "table-3.3-predict.csv", index=False)
    pairs = comparisons(values)
    pairs.to_csv(tmp_path / "comparisons.csv", index=False)
    text = written(
        study,
        tmp_path / "out",
        tables=(tmp_path / "table-3.3-predict.csv",),
        comparisons=tmp_path / "comparisons.csv",
    )
    shown = Parsed(text).tables
    low, high = table.loc[0, ["low", "high"]]
    entry = lookup(shown["Table 3.3: next-pixel models"], "gru-128", "nats per image (test)")
    assert entry == f"{table.loc[0, 'measured']:.2f} | {low:.2f} to {high:.2f}"
    ranking = shown["Which models the test images tell apart: nats per image"]
    assert [row[0] for row in ranking[1:]] == ["gru-64", "gru-32"]
    worst = pairs[(pairs["model"] == "gru-32") & (pairs["other"] == "gru-128")].iloc[0]
    assert ranking[2][3] == (
        f"+{worst['difference']:.2f} | +{worst['low']:.2f} to +{worst['high']:.2f} | gru-128"
    )
    assert ranking[2][4] == "< 0.0001"


def test_other_people_s_models_stand_beside_published_numbers_of_the_same_pixels(study, tmp_path):
    published = pd.DataFrame(
        {"task": "predict", "model": "gru-64-context", "quantity": "nats_per_image",
         "split_or_hidden": "test", "value": [79.991, 58.5], "data": ["mnist-bernoulli", "mine"],
         "low": [79.5, 58.0], "high": [80.5, 59.0], "n_parameters": [26000, 26000], "seed": 1}
    )  # fmt: skip
    published.to_csv(tmp_path / "figures.csv", index=False)
    text = written(study, tmp_path / "out", published=tmp_path / "figures.csv")
    shown = Parsed(text).tables
    beside = shown["Other people's models: mnist-bernoulli, nats per image"]
    assert ["gru-64-context", "79.99 | 79.50 to 80.50", "26,000", "this project", ""] in beside
    assert [row[1] for row in beside if row[0] == "NADE"] == ["88.86"]
    # Without a number of ours there is no table.
    assert "Other people's models: mnist-threshold-0.33, nats per image" not in shown
    assert "Other people" not in written(study, tmp_path / "without")


def test_trainings_are_told_with_their_recipe_and_time(study, tmp_path):
    settings = {"epochs": 7, "batch_size": 64, "learning_rate": 0.005, "decay": "cosine"}
    more = record(tmp_path / "mnist/predict/gru-9/seed-2/train", "train_predictor", settings)
    text = written(study, tmp_path / "out", records=(*study["records"], more))
    (row,) = Parsed(text).tables["Trainings"][1:]
    assert row[:6] == ["predict/gru-9/seed-2", "7", "64", "0.005", "cosine", "all"]


def one_score(folder: Path, name: Number, lines: dict) -> Path:
    path = folder / f"mnist/{name.task}/{name.model}/seed-{name.seed}/score/scores.csv"
    path.parent.mkdir(parents=True)
    rows = ["quantity,split_or_hidden,value,n"]
    rows += [f"{quantity},{where},{value},100" for (quantity, where), value in lines.items()]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_every_line_on_holes_is_shown(parsed, study):
    (lines,) = [rows for caption, rows in parsed.tables.items() if caption == "Holes: gru-128"]
    wanted = read_rows(study["posterior"])
    assert len(lines) - 1 == len(wanted)
    for line, row in zip(lines[1:], wanted, strict=True):
        cell = line[lines[0].index("nats per hidden pixel")]
        nats = row["nats_per_hidden_pixel"]
        assert cell == (f"{float(nats):.4f}" if nats else "")


def test_models_that_were_taken_are_marked_on_holes_too(study, tmp_path):
    taken = record(tmp_path / "mnist/predict/gru-128/seed-1/train", "take_model", {})
    text = written(study, tmp_path / "out", records=(*study["records"], taken))
    assert "Holes: gru-128 (pretrained)" in Parsed(text).tables


def test_matched_polarity_stands_beside_the_report_s_in_painting(parsed):
    table = parsed.tables["Tables 4.1.1 and 4.1.2: gru-128"]
    entry = lookup(table, "ground truth, mean", "1x1")
    assert entry.endswith(" | matched polarity 0.08370")


def test_every_figure_is_there_once_with_its_own_picture(report, parsed, study):
    names = {path.stem for path in study["figures"]}
    assert set(parsed.figures) == names
    assert report.count("<figure ") == len(names)
    assert len(set(parsed.figures.values())) == len(names)


def test_nothing_is_fetched_from_anywhere(report, parsed):
    within = [address for address in parsed.addresses if address.startswith("#")]
    pictures = [address for address in parsed.addresses if not address.startswith("#")]
    assert all(f'id="{address[1:]}"' in report for address in within)
    assert len(within) == len(parsed.headings)
    assert len(pictures) == len(parsed.figures)
    assert all(address.startswith("data:image/png;base64,") for address in pictures)
    assert not re.search(r"@import|url\(|https?:|file:|\bfetch\(|XMLHttpRequest", report)


def test_a_task_that_was_not_run_is_not_told_of(study, tmp_path):
    alone = {
        "posterior": None,
        "tables": tuple(path for path in study["tables"] if "predict" in path.stem),
        "figures": tuple(path for path in study["figures"] if "predict" in path.stem),
    }
    headings = Parsed(written(study, tmp_path / "out", **alone)).headings
    assert headings == [
        "What the cells can do",
        "Task 2a: the next pixel",
        "How the numbers came about",
    ]


def test_numbers_for_other_pixels_have_nothing_published_beside_them(study, tmp_path):
    scores = tuple(write_scores(tmp_path / "scores"))
    run(make_tables, scores=scores, beside="nothing", out=tmp_path / "tables")
    compared = tuple(sorted((tmp_path / "tables").glob("table-*.csv")))
    text = written(study, tmp_path / "out", tables=compared)
    assert "The 2017 report's numbers are for other pixels" in text
    assert "<small>" not in text
    assert "is an artefact" not in text


SMALL = "This is a small study"


@pytest.mark.parametrize(
    ("script", "settings", "small", "on_test"),
    [
        ("train_predictor", {"train_images": 0, "selection": "validation"}, False, False),
        ("train_predictor", {"train_images": 500, "selection": "validation"}, True, False),
        ("train_classifier", {"train_images": 0, "selection": "test_batches"}, False, True),
        ("score_classifier", {"images": 100}, True, False),
        ("score_classifier", {"images": 0}, False, False),
        ("hide_pixels", {"images": 100}, False, False),  # few by the study's own design
    ],
)
def test_it_says_so_where_models_saw_few_images_or_test_images(
    study, tmp_path, script, settings, small, on_test
):
    more = record(tmp_path / "stage", script, settings)
    text = written(study, tmp_path / "out", records=(*study["records"], more))
    assert (SMALL in text) is small
    assert ("scores on test\nimages are too good" in text) is on_test
    assert ("5000 validation images" in text) is not on_test


def test_settings_are_text_and_not_markup(study, tmp_path):
    more = record(tmp_path / "stage", "fetch", {"source": "<script>alert(1)</script>"})
    text = written(study, tmp_path / "out", records=(*study["records"], more))
    assert text.count("<script>") == 1
    assert "source=&lt;script&gt;alert(1)&lt;/script&gt;" in text


# --- In a browser. The report is shown in frames of a page; the frame's policy forbids every
# request and counts those that are tried.

POLICY = """<head><meta http-equiv="Content-Security-Policy" content="default-src 'none';
 img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<script>window.tried = [];
document.addEventListener("securitypolicyviolation", (e) => tried.push(e.blockedURI));</script>"""

PAGE = """<!doctype html><meta charset="utf-8">
{frames}
<pre id="found"></pre>
<script>
function measured(frame) {{
  const view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  for (const details of page.querySelectorAll("details")) details.open = true;
  const seen = () => [...page.querySelectorAll("[data-group]")].filter(
    (member) => member.getClientRects().length);
  const found = {{
    tried: view.tried, width: root.clientWidth, content: root.scrollWidth,
    scrolling: [...page.querySelectorAll(".wide")].filter(
      (each) => each.scrollWidth > each.clientWidth).length,
    beyond: [...page.body.querySelectorAll("*")].filter((each) => !each.closest(".wide")
      && each.getBoundingClientRect().right > root.clientWidth + 0.5).map((each) => each.tagName),
    drawn: [...page.images].filter((each) => each.complete && each.naturalWidth == 900).map(
      (each) => each.closest("figure").id),
    captions: [...page.querySelectorAll("caption")].map((each) => each.textContent),
    grouped: seen().length, chosen: [],
  }};
  const groups = new Set([...page.querySelectorAll("select")].map((each) => each.dataset.for));
  for (const group of groups) {{
    const selects = [...page.querySelectorAll(`select[data-for="${{group}}"]`)];
    const choose = (part) => {{
      if (part == selects.length) {{
        found.chosen.push([group, selects.map((each) => each.value).join("|"), seen().filter(
          (each) => each.dataset.group == group).map((each) => each.dataset.choice)]);
        return;
      }}
      for (const option of selects[part].options) {{
        selects[part].value = option.value;
        selects[part].dispatchEvent(new Event("change"));
        choose(part + 1);
      }}
    }};
    choose(0);
  }}
  return found;
}}
addEventListener("load", () => setTimeout(() => {{
  const found = {{}};
  for (const frame of document.querySelectorAll("iframe")) found[frame.id] = measured(frame);
  document.getElementById("found").textContent = JSON.stringify(found);
}}, 500));
</script>"""


def frame(name: str, width: int, text: str, rights: str = "") -> str:
    shown = html.escape(text.replace("<head>", POLICY, 1))
    return f'<iframe id="{name}" width="{width}" height="800" {rights} srcdoc="{shown}"></iframe>'


@pytest.fixture(scope="module")
def seen(report, tmp_path_factory) -> dict:
    """What a browser finds on a telephone, on a desk, without scripts, and if it is to fetch."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    folder = tmp_path_factory.mktemp("browser")
    away = '<img src="http://127.0.0.1:9/away.png"><div style="width: 700px">wide</div></body>'
    frames = [
        frame("telephone", 360, report),
        frame("desk", 1280, report),
        frame("plain", 360, report, 'sandbox="allow-same-origin"'),
        frame("fetching", 360, report.replace("</body>", away)),
    ]
    page = folder / "page.html"
    page.write_text(PAGE.format(frames="\n".join(frames)))
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--virtual-time-budget=20000",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,900",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


def test_a_browser_shows_every_table_and_figure(seen, parsed):
    for name in ("telephone", "desk", "plain"):
        assert sorted(seen[name]["drawn"]) == sorted(parsed.figures)
        assert seen[name]["captions"] == [caption for caption in parsed.tables if caption]


def test_a_browser_is_asked_to_fetch_nothing(seen):
    assert seen["telephone"]["tried"] == seen["desk"]["tried"] == []
    assert seen["fetching"]["tried"] == ["http://127.0.0.1:9/away.png"]  # it would be noticed


def test_on_a_telephone_tables_and_figures_scroll_and_the_page_does_not(seen):
    for name in ("telephone", "plain"):
        assert seen[name]["width"] == seen[name]["content"] == 360
        assert seen[name]["beyond"] == []
        assert seen[name]["scrolling"] > 10
    assert seen["desk"]["width"] == seen["desk"]["content"] == 1280
    # A page that is too wide would be noticed.
    assert seen["fetching"]["content"] > 700
    assert seen["fetching"]["beyond"] == ["DIV"]


def test_one_of_a_group_is_shown_at_a_time_as_chosen_and_all_without_scripts(seen, report):
    grouped = re.findall(r'data-group="([^"]+)" data-choice="([^"]+)"', report)
    groups = {group: [c for g, c in grouped if g == group] for group, _ in grouped}
    variants = yaml.safe_load((ROOT / "config.yaml").read_text())["complete"]["variants"]
    sizes = {group: len(choices) for group, choices in groups.items()}
    assert sizes == {
        "digits": 9,  # three digits of three runs
        "mosaics": 1 + len(variants),  # truth, models
        "inpaint-figure": 6,  # three kinds of two holes
        "complete-table": 4,  # what was published in 2017
        "inpaint-table": 1,
    }
    assert seen["telephone"]["grouped"] == len(groups)
    assert seen["plain"]["grouped"] == len(grouped)
    chosen = seen["telephone"]["chosen"]
    # Every combination of choices is there, and shows the one that bears its name.
    assert sorted((group, choice) for group, choice, _ in chosen) == sorted(grouped)
    assert all(shown == [choice] for _, choice, shown in chosen)
