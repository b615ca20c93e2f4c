"""Completed digits: which are chosen, and that every one is drawn as it was sampled."""

import itertools

import numpy as np
import pandas as pd
import pytest
from drawn_pictures import shown

from draw_completions import draw_completions
from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.completions import choose_digits, draw_mosaics, mosaic
from scanline.figures.pictures import FILLED_PAPER, GAP, HIDDEN, INK, PAPER, pictures_of
from scanline.figures.style import save
from scanline.files import load_arrays, save_arrays

CUT, RUNS = 9, [1, 4, 7]
COLUMNS = 8


def by_image(accuracy, diversity, run: int = 4) -> pd.DataFrame:
    images = range(len(accuracy))
    return pd.DataFrame(
        {"image": images, "hidden_run": run, "accuracy": accuracy, "diversity": diversity}
    )


def test_best_worst_and_most_varied_images_are_chosen():
    table = by_image([0.5, 0.9, 0.6, 0.1, 0.7], [0.3, 0.3, 0.4, 0.3, 0.3])
    assert choose_digits([table], 4) == {"a": 1, "b": 3, "c": 2}


def test_the_most_varied_is_none_of_the_other_two():
    table = by_image([0.5, 0.9, 0.6, 0.1], [0.2, 0.5, 0.1, 0.4])
    assert choose_digits([table], 4) == {"a": 1, "b": 3, "c": 0}


def test_models_count_alike():
    one = by_image([0.9, 0.2, 0.5, 0.4], [0.3] * 4)
    other = by_image([0.1, 0.7, 0.5, 0.1], [0.3, 0.3, 0.3, 0.4])
    # Means 0.5, 0.45, 0.5, 0.25: of the two best the lower image is taken.
    assert choose_digits([one, other], 4) == {"a": 0, "b": 3, "c": 1}


def test_images_without_ink_to_complete_are_passed_over():
    table = by_image([1.0, 0.9, 0.6, 0.1, 0.7], [0.0, 0.3, 0.4, 0.3, 0.02])
    assert choose_digits([table], 4) == {"a": 1, "b": 3, "c": 2}


def test_too_few_images_with_ink_leave_all_to_choose_from():
    table = by_image([1.0, 0.9, 0.6], [0.0, 0.3, 0.4])
    assert choose_digits([table], 4) == {"a": 0, "b": 2, "c": 1}


def test_other_hidden_runs_do_not_count():
    table = pd.concat(
        [by_image([0.5, 0.9, 0.1], [0.3] * 3, run=4), by_image([0.9, 0.1, 0.5], [0.3] * 3, run=7)]
    )
    assert choose_digits([table], 4) == {"a": 1, "b": 2, "c": 0}
    assert choose_digits([table], 7) == {"a": 0, "b": 1, "c": 2}


def test_a_mosaic_holds_every_picture_in_reading_order_with_gaps_between():
    pictures = np.random.default_rng(0).integers(0, 5, (5, 12))  # of 3 rows, 4 columns
    sheet = mosaic(pictures, columns=4, across=3)
    assert sheet.shape == (9, 16)
    for i, picture in enumerate(pictures):
        top, left = 1 + 4 * (i // 3), 1 + 5 * (i % 3)
        np.testing.assert_array_equal(sheet[top : top + 3, left : left + 4].ravel(), picture)
    assert (sheet == GAP).sum() == sheet.size - pictures.size


def test_an_odd_number_of_mosaics_leaves_one_panel_empty():
    pictures = np.zeros((4, 16), int)
    figure = draw_mosaics({"1": pictures, "10": pictures, "28": pictures}, columns=4)
    assert len(shown(figure)) == 3
    assert [axes.get_title() for axes in figure.axes] == ["1", "10", "28", ""]
    assert not figure.axes[3].axison


@pytest.fixture
def completed(tmp_path):
    """hidden.npz, and samples.npz and by_image.csv of two models, the second with two seeds."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 2, (6, 16)).astype(np.uint8)
    save_arrays(
        tmp_path / "hidden.npz",
        {"cut": CUT, "hidden_runs": RUNS, "columns": COLUMNS},
        pixels=pixels,
        indices=np.arange(6) * 10,
    )
    samples, tables = [], []
    for model, seed in (("gru-32", 1), ("gru-64", 1), ("gru-64", 2)):
        folder = tmp_path / "mnist" / "complete" / model / f"seed-{seed}"
        for stage in ("samples", "score"):
            (folder / stage).mkdir(parents=True)
        drawn = generator.integers(0, 2, (6, 3, 7)).astype(np.uint8)
        save_arrays(folder / "samples" / "samples.npz", samples=drawn)
        table = pd.concat([by_image(generator.random(6), [0.3] * 6, run) for run in RUNS])
        table.to_csv(folder / "score" / "by_image.csv", index=False)
        samples.append(folder / "samples" / "samples.npz")
        tables.append(folder / "score" / "by_image.csv")
    return {
        "hidden": tmp_path / "hidden.npz", "samples": tuple(samples), "by_image": tuple(tables)
    }  # fmt: skip


def test_completions_show_the_samples_of_each_model_s_first_seed(tmp_path, completed, monkeypatch):
    figures: dict = {}

    def keep_and_save(figure, folder, name):
        figures[name] = figure
        save(figure, folder, name)

    monkeypatch.setattr(style, "save", keep_and_save)
    out = tmp_path / "figures"
    out.mkdir()
    draw_completions(**completed, out=out)
    pixels = load_arrays(completed["hidden"], "pixels")[0]["pixels"]
    first = {"gru-32": completed["samples"][0], "gru-64": completed["samples"][1]}
    samples = {model: load_arrays(path, "samples")[0]["samples"] for model, path in first.items()}
    for model, values in samples.items():
        panels = shown(figures[figure_names.first_samples(model)])
        assert len(panels) == len(RUNS)
        for panel, run in zip(panels, RUNS, strict=True):
            wanted = mosaic(pictures_of(pixels, CUT, run, values[:, 0]), COLUMNS, across=10)
            np.testing.assert_array_equal(panel, wanted)
    tables = [pd.read_csv(path) for path in completed["by_image"]]
    digits = pd.read_csv(out / "digits.csv")
    assert [tuple(line) for line in digits.to_numpy()] == [
        (run, letter, 10 * image)
        for run in (4, 7)
        for letter, image in choose_digits(tables, run).items()
    ]
    names = set(figure_names.completions(RUNS, ["gru-32", "gru-64"]))
    assert {path.stem for path in out.glob("*.png")} == names
    assert {path.stem for path in out.glob("*.pdf")} == names
    for run, letter in itertools.product((4, 7), figure_names.DIGITS):
        image = choose_digits(tables, run)[letter]
        panels = np.array(shown(figures[figure_names.digits(run)[letter]])).reshape(2, 5, 16)
        for row, values in zip(panels, samples.values(), strict=True):
            assert row[0].tolist() == [INK if pixel else PAPER for pixel in pixels[image]]
            assert (row[1, CUT:] == HIDDEN).all()
            drawn = row[2:, CUT : CUT + run] - FILLED_PAPER
            np.testing.assert_array_equal(drawn, values[image, :, :run])
