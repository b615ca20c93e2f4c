"""What is trained stands in one table, which is checked against the files before a study starts."""

import os
import subprocess
import sys

import pytest
from study_copy import ROOT

from scanline.models.classifier import Classifier
from scanline.models.look_ahead import LookAhead
from scanline.models.predictor import Predictor
from scanline.training import kinds
from scanline.training.kinds import KINDS, Kind, task_of
from scanline.training.look_ahead import LOOK_AHEAD
from scanline.training.objectives import CLASSIFY, PREDICT

CONFIG = {"classify": {}, "predict": {}, "look_ahead": {}}


def test_the_names_are_those_of_models_and_objectives():
    assert {task: kind.model_class for task, kind in KINDS.items()} == {
        "classify": Classifier,
        "predict": Predictor,
        "look_ahead": LookAhead,
    }
    assert KINDS["classify"].minimised is CLASSIFY
    assert KINDS["predict"].minimised is PREDICT
    assert KINDS["look_ahead"].minimised is LOOK_AHEAD
    kinds.check(CONFIG)


READER = """
import sys
from scanline.training.kinds import KINDS
print([kind.minimised.quantity for kind in KINDS.values()], "tensorflow" in sys.modules)
"""


def test_what_is_minimised_is_told_without_tensorflow():
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-c", READER]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.stdout == "['nats', 'nats_per_pixel', 'nats_per_pixel'] False\n", done.stderr


def test_a_script_tells_its_task():
    assert task_of("train_predictor") == "predict"
    with pytest.raises(ValueError, match="hide_holes trains no model; those that do: train_cl"):
        task_of("hide_holes")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"script": "train_nothing"}, "train_nothing in src/train_nothing.py"),
        ({"script": "hide_holes"}, None),  # a script that is there
        ({"model": "scanline.models.predictor:Writer"}, "Writer in src/scanline/models/predictor"),
        ({"model": "scanline.models.none:Predictor"}, "Predictor in src/scanline/models/none.py"),
        ({"scorer": "score_nothing"}, "score_nothing in src/score_nothing.py"),
        ({"architecture": "scanline.models.architecture:X"}, "X in src/scanline/models/archi"),
        ({"objective": "scanline.training.objectives:X"}, "X in src/scanline/training/objectives"),
    ],
)
def test_a_kind_that_is_half_there_is_refused(monkeypatch, change, told):
    monkeypatch.setitem(KINDS, "predict", Kind(**(KINDS["predict"]._asdict() | change)))
    if told is None:
        return kinds.check(CONFIG)
    with pytest.raises(ValueError, match=f"kinds.py: 'predict' needs {told}"):
        kinds.check(CONFIG)


def test_a_kind_without_a_section_in_the_config_is_refused():
    with pytest.raises(ValueError, match=r"config\.yaml lacks 'predict', a kind of src/scanline"):
        kinds.check({"classify": {}})
