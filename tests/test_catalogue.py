"""The trained models by name: all of pretrained/, with their cards' numbers."""

import re

import numpy as np
import pandas as pd
import pytest

import scanline
from scanline import catalogue
from scanline.layout import Place
from scanline.report.publishing import card_in

BEST = "gru-128-context-labels-left"  # of all next-pixel models on the default data


def card(place: Place) -> str:
    return (catalogue.pretrained() / str(place) / "README.md").read_text()


def test_the_table_has_every_model_with_its_card_s_numbers():
    table = scanline.models()
    columns = ["name", "data", "task", "seed", "nats_per_image", "accuracy", "parameters"]
    assert list(table.columns) == columns
    named = table[["data", "task", "name", "seed"]].itertuples(index=False)
    assert sorted(Place(*each) for each in named) == catalogue.places()
    for line in table.to_dict("records"):
        text = card(Place(line["data"], line["task"], line["name"], line["seed"]))
        assert f"; {line['parameters']:,} parameters" in text
        quantity = {"predict": "nats_per_image", "classify": "accuracy"}[line["task"]]
        other = {"predict": "accuracy", "classify": "nats_per_image"}[line["task"]]
        assert re.search(rf"\| {quantity} +\| test +\| {line[quantity]:.5f} ", text)
        assert pd.isna(line[other])
    assert tuple(table.loc[0, ["name", "data"]]) == (BEST, catalogue.DATA)


def test_every_card_is_what_publishing_writes_of_the_model_s_record_and_numbers():
    numbers = pd.read_csv(catalogue.numbers(), dtype={"split_or_hidden": str})
    for path in catalogue.pretrained().glob("*/*/*/*/model.keras"):
        text = (path.parent / "README.md").read_text()
        assert text == card_in(path.parent, numbers), path
        pictures = [each.name for each in path.parent.glob("*.png")]
        assert pictures == (["samples.png"] if Place.of(path).task == "predict" else [])


@pytest.mark.parametrize(
    "path",
    ["predict/gru-32", "classify/gru-32", "look_ahead/gru-64-context"],
)
def test_the_example_of_a_card_runs(path):
    """One of each task: the examples differ by name alone. Few particles complete an image."""
    folder = catalogue.pretrained() / catalogue.DATA / path / "seed-1"
    example = re.findall("```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    given = {"images": np.zeros((3, 28, 28)), "image": np.zeros((28, 28))}
    few = "(image, hidden, samples=4, particles=8, runs=2, moves=1)"
    program = "\n".join(example).replace("(image, hidden)", few)
    assert (few in program) == path.startswith("look_ahead")
    exec(program, given | {"hidden": np.eye(28) > 0})


def test_the_wing_models_stays_a_wing():
    assert scanline.models.__name__ == "scanline.models"
    from scanline.models import cells

    assert scanline.models.cells is cells
    assert callable(scanline.models)
    assert set(scanline.__all__) <= set(dir(scanline))
    with pytest.raises(AttributeError, match="has no attribute 'modles'"):
        _ = scanline.modles


def test_a_name_is_found_by_task_data_and_seed():
    folder = catalogue.pretrained()
    for found, place in (
        (catalogue.find("gru-64", "classify"), "mnist-threshold-0.1/classify/gru-64"),
        (catalogue.find("gru-64", "predict"), "mnist-threshold-0.1/predict/gru-64"),
        (
            catalogue.find("gru-64-context", "predict", "mnist-bernoulli", 1),
            "mnist-bernoulli/predict/gru-64-context",
        ),
    ):
        assert found == folder / place / "seed-1/model.keras"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("gru-46", "predict"), r"model is 'gru-46'; allowed: gru-128, .*; did you mean gru-64\?"),
        (
            ("lstm-64", "predict"),
            "lstm-64 comes with no model of task predict, data mnist-threshold-0.1; there are: "
            "task classify, data mnist-threshold-0.1, seed 1",
        ),
        (("gru-64", "predict", "mnist"), "no model of task predict, data mnist; there are"),
        (("gru-64", "predict", None, 2), "data mnist-threshold-0.1, seed 2; there are"),
    ],
)
def test_what_there_is_not(wanted, message):
    with pytest.raises(ValueError, match=message):
        catalogue.find(*wanted)


@pytest.mark.parametrize("end", ["model.keras", "train/model.keras"])
def test_a_look_ahead_lies_beside_its_model(tmp_path, end):
    """In pretrained/ and in the results of a study."""
    model = tmp_path / "mine/predict/gru-8/seed-2" / end
    companion = tmp_path / "mine/look_ahead/gru-8/seed-2" / end
    assert catalogue.look_ahead_of(model) is None
    companion.parent.mkdir(parents=True)
    companion.touch()
    assert catalogue.look_ahead_of(model) == companion
    assert catalogue.look_ahead_of(tmp_path / "mine/classify/gru-8/seed-2" / end) is None
    assert catalogue.look_ahead_of(tmp_path / "mine/predict/gru-8/seed-3" / end) is None
    assert catalogue.look_ahead_of(tmp_path / "model.keras") is None
