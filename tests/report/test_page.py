"""The HTML report of a whole study: each number, figure and word of it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_study import BINARISED, Parsed, read_rows, record, write_scores, written

from make_tables import make_tables
from scanline.evaluation import tables
from scanline.evaluation.comparisons import comparisons
from scanline.evaluation.image_values import Number
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from scanline.report.page import duration
from scanline.report.tables import entry_of


def lookup(table: list[list[str]], row: str, column: str) -> str:
    (line,) = [line for line in table[1:] if line[0] == row]
    return line[table[0].index(column)]


@pytest.mark.parametrize(
    ("caption", "row", "column", "wanted"),
    [  # the report's numbers as they are printed in it
        ("Table 2.3: classifiers", "lstm-32", "cross-entropy, nats (test)", 0.25888),
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


def test_shares_are_in_percent_with_two_digits_of_their_error(parsed):
    # Of 100 images, 98.1 % has a 95 % error of 2.7 points.
    found = lookup(parsed.tables["Table 2.3: classifiers"], "gru-3x32", "accuracy, % (train)")
    assert found == "98.1 | report 98.0 | difference +0.1"


@pytest.mark.parametrize(
    ("error", "wanted"), [(0.0123, "0.250"), (0.00099, "0.25000"), (0.5, "0.25"), (12, "0")]
)
def test_a_number_has_two_digits_of_its_error(error, wanted):
    line = pd.Series(
        {"quantity": "nats", "measured": 0.25, "low": 0.25 - error, "high": 0.25 + error,
         "n_seeds": 1, "n": 100}
    )  # fmt: skip
    assert entry_of(line).ours == wanted


def test_the_best_of_each_column_is_marked(study, report):
    table = pd.read_csv(next(path for path in study["tables"] if "classify" in path.stem))
    of_test = table[table["split_or_hidden"] == "test"]
    for quantity, best in (("nats", "min"), ("accuracy", "max")):
        lines = of_test[of_test["quantity"] == quantity]
        line = lines.loc[getattr(lines["measured"], f"idx{best}")()]
        assert f"<b>{entry_of(line).ours}</b>" in report
    table_of_classifiers = report.split("Table 2.3")[1].split("</table>")[0]
    assert table_of_classifiers.count("<b>") == 4  # two quantities of two splits


def test_it_opens_with_the_best_number_of_each_task_beside_the_published_one(study, parsed):
    lines = parsed.tables["The best model of each task, on test images"]
    assert [line[0] for line in lines[1:]] == ["class", "next pixel", "completion", "holes"]
    table = pd.read_csv(next(path for path in study["tables"] if "classify" in path.stem))
    table = table[(table["quantity"] == "accuracy") & (table["split_or_hidden"] == "test")]
    best = table.loc[table["measured"].idxmax()]
    assert lines[1][2:] == [
        f"{100 * best['measured']:.1f}",
        f"{100 * best['published']:.1f} ({best['model']})",
        best["model"],
    ]
    assert lines[3][1] == "ground truth under samples (300 hidden pixels)"
    holes = pd.read_csv(study["posterior"]).query("hole == 'random-half'")
    best = holes.loc[holes["nats_per_image"].idxmin()]
    assert lines[4][2] == (  # two digits of the error, 1.25
        f"{best['nats_per_image']:.1f} | {best['nats_low']:.1f} to {best['nats_high']:.1f}"
    ).replace("-", "−")
    assert parsed.headings[:2] == ["In short", "How to read the tables"]


def test_a_small_study_shows_the_published_holes_and_no_diagnostics_of_few_images(study, tmp_path):
    other = pd.read_csv(study["posterior"]).assign(
        model="gru-9", n_images=1000, data=BINARISED["data"]
    )
    foreign = other.assign(model="gru-7", data="other")
    pd.concat([other, foreign]).to_csv(tmp_path / "posterior.csv", index=False)
    small = record(tmp_path / "stage", "score_classifier", {"images": 100})
    for records, models in (
        ((*study["records"], small), {"gru-9"}),
        (study["records"], {"gru-128"}),
    ):
        text = written(
            study,
            tmp_path / f"of {len(records)}",
            records=records,
            published_holes=tmp_path / "posterior.csv",
        )
        found = Parsed(text)
        holes = {caption for caption in found.tables if caption.startswith("Holes: ")}
        assert {caption.split(": ")[1].split(", ")[0] for caption in holes} == models
        assert ("the table is the published study" in text) is (models == {"gru-9"})
        diagnostics = [name for name in found.figures if "calibration" in name]
        assert bool(diagnostics) is (models == {"gru-128"})


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
    # The mean of 100 normal numbers: its 95 % error is 0.2.
    assert entry == f"{table.loc[0, 'measured']:.2f} | {low:.2f} to {high:.2f}"
    ranking = shown["Which models the test images tell apart: nats per image"]
    # The sentence below the table says in which order its rows go.
    assert "The rows go from the second best model down to the worst" in text
    assert [row[0] for row in ranking[1:]] == ["gru-64", "gru-32"]
    assert [row[1].split(" | ")[-1] for row in ranking[1:]] == ["gru-128", "gru-64"]
    worst = pairs[(pairs["model"] == "gru-32") & (pairs["other"] == "gru-128")].iloc[0]
    assert ranking[2][3] == (
        f"+{worst['difference']:.2f} | +{worst['low']:.2f} to +{worst['high']:.2f} | gru-128"
    )
    assert ranking[2][4] == "< 0.0001"


def test_models_on_other_data_are_named_with_their_own(study, tmp_path):
    def add(path: Path, **columns: str) -> Path:
        pd.read_csv(path).assign(**columns).to_csv(tmp_path / path.name, index=False)
        return tmp_path / path.name

    values = {
        Number("predict", model, 1, "nats_per_image", "test", source): np.arange(9.0) * more
        for model, source, more in (("gru-64", "elsewhere", 1), ("gru-32", "", 2))
    }
    comparisons(values).to_csv(tmp_path / "comparisons.csv", index=False)
    shown = Parsed(
        written(
            study,
            tmp_path / "out",
            tables=tuple(add(path, trained_on="elsewhere") for path in study["tables"]),
            comparisons=tmp_path / "comparisons.csv",
            posterior=add(study["posterior"], trained_on="elsewhere"),
        )
    ).tables
    name = "gru-128 (trained on elsewhere)"
    assert name in [row[0] for row in shown["Table 3.3: next-pixel models"]]
    for caption in ("Tables 4.1.1 and 4.1.2: MODEL", "Holes: MODEL, 2x2, 20 images"):
        assert caption.replace("MODEL", name) in shown
    ranking = shown["Which models the test images tell apart: nats per image"]
    assert ranking[1][0] == "gru-32"
    assert ranking[1][1].endswith("gru-64 (trained on elsewhere)")


def test_other_people_s_models_stand_beside_published_numbers_of_the_same_pixels(study, tmp_path):
    published = pd.DataFrame(
        {"task": "predict", "model": "gru-64-context", "quantity": "nats_per_image",
         "split_or_hidden": "test", "value": [79.991, 58.5], "data": ["mnist-bernoulli", "mine"],
         "low": [79.5, 58.0], "high": [80.5, 59.0], "n_parameters": 26000,
         "n_images_presented": 1000, "cpu_hours": 0.5, "seed": 1}
    )  # fmt: skip
    published.to_csv(tmp_path / "figures.csv", index=False)
    text = written(study, tmp_path / "out", published=tmp_path / "figures.csv")
    shown = Parsed(text).tables
    beside = shown["Other people's models: binarized-mnist, nats per image"]
    caveat = "another fixed draw of the same grey values"
    assert ["gru-64-context", "79.99 | 79.50 to 80.50", "26,000", "this project", caveat] in beside
    assert [row[1] for row in beside if row[0] == "NADE"] == ["88.86"]
    # Without a number of ours there is no table.
    assert "Other people's models: mnist-threshold-0.33, nats per image" not in shown
    assert "Other people" not in written(study, tmp_path / "without")
    # Nor in the report of other images than MNIST's.
    others = record(tmp_path / "pixels", "binarise", BINARISED | {"source": "letters"})
    given = {"records": (*study["records"][:-1], others), "published": tmp_path / "figures.csv"}
    assert "Other people" not in written(study, tmp_path / "others", **given)


def test_trainings_are_told_with_their_recipe_and_time(study, tmp_path):
    settings = {"epochs": 7, "batch_size": 64, "learning_rate": 0.005, "decay": "cosine"}
    more = record(tmp_path / "mnist/predict/gru-9/seed-2/train", "train_predictor", settings)
    text = written(study, tmp_path / "out", records=(*study["records"], more))
    (row,) = Parsed(text).tables["Trainings"][1:]
    assert row[:6] == ["predict/gru-9/seed-2", "7", "64", "0.005", "cosine", "all"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0.0 seconds"), (59.9, "59.9 seconds"), (60, "1.0 minutes"), (3599, "60.0 minutes"),
     (3600, "1.0 hours"), (360_000, "100.0 hours")],
)  # fmt: skip
def test_a_time_is_told_in_a_unit_that_says_something(seconds, told):
    assert duration(seconds) == told


def test_the_time_of_all_stages_is_told(study, tmp_path):
    text = written(study, tmp_path / "out")
    seconds = sum(Record.load(path).seconds for path in study["records"])
    assert f"3 stages took {duration(seconds)} of computing" in text


def test_it_leads_to_a_page_to_play_with_and_says_how_to_write_one(study, tmp_path):
    trained = [
        record(tmp_path / f"mnist/predict/{variant}/seed-1/train", "train_predictor", {})
        for variant in ("gru-128", "gru-3x32", "gru-9")
    ]
    records = (*study["records"], *trained)
    text = written(study, tmp_path / "out", records=records, play="../../index.html")
    assert "../../index.html" in Parsed(text).addresses
    page = f"{tmp_path}/mnist/predict/gru-128/seed-1/play/index.html"  # of the best model
    command = f"snakemake --cores 1 {page} --configfile {tmp_path}/config.json"
    assert f"<code>{command}</code>" in text


@pytest.mark.parametrize(
    "extra",
    [{"orientation": "rows-bottom-left"}, {"residual": True}, {"readout_units": 8},
     {"labels": True}],
    ids=str,
)  # fmt: skip
def test_the_page_to_play_with_is_of_a_trained_model_that_it_can_compute(study, tmp_path, extra):
    """Not of the best one, which has an extra, nor of a mixture, which is only scored."""
    place = f"{tmp_path}/mnist/predict"
    records = [
        record(Path(place, "gru-128/seed-1/train"), "train_predictor", extra),
        record(
            Path(place, "gru-9/seed-1/train"),
            "train_predictor",
            {"orientation": "raster", "labels": False},
        ),
        record(Path(place, "gru-3x32/seed-1/score"), "mix_predictors", {}),
    ]
    text = written(study, tmp_path / "out", records=(*study["records"], *records))
    assert f"<code>snakemake --cores 1 {place}/gru-9/seed-1/play/index.html " in text
    text = written(study, tmp_path / "none", records=(*study["records"], records[0]))
    assert "/play/index.html " not in text


def one_score(folder: Path, name: Number, lines: dict) -> Path:
    path = folder / f"mnist/{name.task}/{name.model}/seed-{name.seed}/score/scores.csv"
    path.parent.mkdir(parents=True)
    rows = ["quantity,split_or_hidden,value,n"]
    rows += [f"{quantity},{where},{value},100" for (quantity, where), value in lines.items()]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_every_line_on_holes_is_shown(parsed, study):
    tables = [rows for caption, rows in parsed.tables.items() if "Holes: gru-128, " in caption]
    lines = [line for rows in tables for line in rows[1:]]
    wanted = read_rows(study["posterior"])
    assert len(lines) == len(wanted)
    for line, row in zip(lines, wanted, strict=True):
        cell = line[tables[0][0].index("nats per hidden pixel")]
        nats = row["nats_per_hidden_pixel"]
        assert cell == (f"{float(nats):.4f}" if nats else "")


def test_models_that_were_taken_are_marked_on_holes_too(study, tmp_path):
    taken = record(tmp_path / "mnist/predict/gru-128/seed-1/train", "take_model", {})
    text = written(study, tmp_path / "out", records=(*study["records"], taken))
    holes = [caption for caption in Parsed(text).tables if caption.startswith("Holes: ")]
    assert holes
    assert all(caption.startswith("Holes: gru-128 (pretrained), ") for caption in holes)


def test_matched_polarity_stands_beside_the_report_s_in_painting(parsed):
    table = parsed.tables["Tables 4.1.1 and 4.1.2: gru-128"]
    entry = lookup(table, "ground truth, mean", "1x1")
    assert entry.endswith(" | matched polarity 0.08370")


def test_every_figure_is_there_once_with_its_own_picture(report, parsed, study):
    names = {path.stem for path in study["figures"]}
    assert set(parsed.figures) == names
    assert report.count("<figure ") == len(names)
    assert len(set(parsed.figures.values())) == len(names)


def test_a_curve_s_caption_says_on_which_side_memorising_shows(report):
    assert report.count("rises well above") == report.count("falls well below") > 0


def test_nothing_is_fetched_from_anywhere(report, parsed):
    within = [address for address in parsed.addresses if address.startswith("#")]
    pictures = [address for address in parsed.addresses if not address.startswith("#")]
    assert all(f'id="{address[1:]}"' in report for address in within)
    assert len(within) == len(parsed.headings) + 1  # the summary's picture leads to its figure
    assert len(pictures) == len(parsed.figures) + 1
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
        "In short",
        "How to read the tables",
        "Task 2a: the next pixel",
        "What the cells can do",
        "How the numbers came about",
    ]


def test_numbers_for_other_pixels_have_nothing_published_beside_them(study, tmp_path):
    scores = tuple(write_scores(tmp_path / "scores"))
    run(make_tables, scores=scores, beside="nothing", out=tmp_path / "tables")
    compared = tuple(sorted((tmp_path / "tables").glob("table-*.csv")))
    text = written(study, tmp_path / "out", tables=compared)
    assert "The 2017 report's numbers are for other pixels" in text
    assert not re.search("<small>(report|difference)", text)
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


@pytest.mark.parametrize("redraw", ["epoch", None, "no such setting"])
def test_the_page_says_how_pixels_were_drawn_also_of_a_record_older_than_the_setting(
    study, tmp_path, redraw
):
    settings = BINARISED | {"method": "bernoulli", "redraw": redraw}
    if redraw == "no such setting":
        del settings["redraw"]
    drawn = record(tmp_path / "pixels", "binarise", settings)
    text = written(study, tmp_path / "out", records=(*study["records"][:-1], drawn))
    assert "Each pixel was drawn once from its grey value" in text
    assert ("training images are drawn anew in each epoch" in text) == (redraw == "epoch")


@pytest.mark.parametrize("order", ["raster", "permuted", "no such setting"])
def test_the_page_says_of_grey_pixels_what_they_are(study, tmp_path, order):
    settings = BINARISED | {"method": "none", "threshold": None, "order": order}
    if order == "no such setting":
        del settings["order"]
    grey = record(tmp_path / "pixels", "binarise", settings)
    text = written(study, tmp_path / "out", records=(*study["records"][:-1], grey))
    told = " ".join(text.split())
    assert "Its pixels are grey, from 0 (paper) to 1 (ink), and only classifiers read such." in told
    assert not re.search("ink is 1|A pixel is ink|drawn once from its grey value", text)
    permuted = "A classifier reads the pixels in a random order, the same for all images."
    assert (permuted in told) == (order == "permuted")
