"""What trains a model is the fastest of what the machine offers; stand-ins for a GPU's choices."""

import math
import time

import numpy as np
import pytest
import tensorflow as tf
from native_calls import NEEDS_COMPILER
from recipes import recipe

from scanline.models import accelerator, native
from scanline.models.accelerator import Choice, Implementation, fastest
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from scanline.training.fit import fit
from scanline.training.objectives import CLASSIFY, PREDICT

CORE = Implementation("native", "/CPU:0")
KERAS = Implementation("keras")
BY_XLA = Implementation("keras", xla=True)


def refuses():
    raise tf.errors.InvalidArgumentError(None, None, "XLA cannot compile this")


def test_implementations_are_what_their_names_say():
    auto = accelerator.AUTO
    assert (auto.core, auto.device, auto.xla) == ("auto", None, False)
    assert len(accelerator.ON_A_GPU) == 3
    for name, how in accelerator.ON_A_GPU.items():
        assert (how.core == "native") == ("core" in name)
        assert (how.device == "/CPU:0") == name.endswith("CPU")
        assert how.xla == ("XLA" in name)


def test_a_candidate_is_called_once_and_three_times_more():
    calls = []
    fastest({"only": lambda: calls.append(0)})
    assert len(calls) == 4


def test_the_fastest_is_taken_and_all_times_are_told():
    def slow():
        time.sleep(0.2)

    choice = fastest({"slow": slow, "fast": lambda: None, "refused": refuses})
    assert choice.name == "fast"
    assert choice.seconds["fast"] < 0.2 <= choice.seconds["slow"]
    assert math.isinf(choice.seconds["refused"])


def test_the_first_call_which_compiles_does_not_count():
    calls = []

    def compiles_first():
        calls.append(0)
        if len(calls) == 1:
            time.sleep(0.5)

    choice = fastest({"compiled": compiles_first, "other": lambda: time.sleep(0.1)}, repeats=2)
    assert choice.name == "compiled"
    assert len(calls) == 3


def test_nothing_that_runs_is_told():
    with pytest.raises(ValueError, match="none of one, two runs here; use accelerator cpu"):
        fastest({"one": refuses, "two": refuses})


def train(pixel_sets, task="predict", checkpoints=None, epochs=2):
    training, validation = pixel_sets["train"], pixel_sets["validation"]
    kind, objective = (Predictor, PREDICT) if task == "predict" else (Classifier, CLASSIFY)
    model = kind("gru", 4, 1, training.identity, seed=5)
    found = fit(
        model,
        objective,
        training,
        validation,
        recipe(epochs, task, batch_size=16, seed=5, decay="cosine", warmup_steps=1),
        label="test",
        checkpoints=checkpoints,
    )
    return [weight.numpy() for weight in model.weights], found


@NEEDS_COMPILER
@pytest.mark.parametrize("task", ["predict", "classify"])
def test_timed_steps_leave_no_trace_in_the_training(pixel_sets, task, monkeypatch):
    alone, found = train(pixel_sets, task)
    assert "seconds_a_step" not in found.computed  # without a GPU nothing is timed
    monkeypatch.setattr(accelerator, "ON_A_GPU", {"core, CPU": CORE})
    monkeypatch.setattr(accelerator, "offered", lambda: accelerator.ON_A_GPU)
    timed, found = train(pixel_sets, task)
    for ours, theirs in zip(timed, alone, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.computed["implementation"] == "core, CPU"
    assert found.computed["recurrent_layers"].startswith("core, ")


@NEEDS_COMPILER
def test_each_implementation_is_timed_and_trains(pixel_sets, monkeypatch):
    offered = {"Keras": KERAS, "Keras by XLA": BY_XLA, "core": CORE}
    monkeypatch.setattr(accelerator, "offered", lambda: offered)
    alone, _ = train(pixel_sets)
    seconds: dict[str, float] = {}
    for name in offered:

        def chosen(runs, name=name):
            seconds.update(seconds or fastest(runs, repeats=1).seconds)  # once: XLA compiles long
            return Choice(name, {each: seconds[each] for each in runs})

        monkeypatch.setattr(accelerator, "fastest", chosen)
        weights, found = train(pixel_sets)
        assert found.computed["implementation"] == name
        assert set(found.computed["seconds_a_step"]) == set(offered)
        assert found.computed["recurrent_layers"].split(",")[0] == name.split()[0]
        # Six Adam steps of up to 0.001 each: where a gradient is near 0, rounding turns its sign.
        for ours, theirs in zip(weights, alone, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)


@NEEDS_COMPILER
def test_a_training_that_goes_on_keeps_the_choice(pixel_sets, tmp_path, monkeypatch):
    offered = {"Keras": KERAS, "core": CORE}
    monkeypatch.setattr(accelerator, "offered", lambda: offered)
    monkeypatch.setattr(
        accelerator, "fastest", lambda runs: Choice("Keras", fastest(runs).seconds | {"Keras": 0.0})
    )
    _, first = train(pixel_sets, checkpoints=tmp_path)
    monkeypatch.setattr(accelerator, "fastest", None)  # it would be called in vain
    _, again = train(pixel_sets, checkpoints=tmp_path)
    seconds = again.computed.pop("cpu_seconds")
    assert seconds > first.computed.pop("cpu_seconds")  # of both processes
    assert again.computed == first.computed


def test_a_record_says_that_there_was_no_compiler(monkeypatch, pixel_sets):
    monkeypatch.setattr(native, "_library", lambda: (None, "no C++ compiler found"))
    _, found = train(pixel_sets, epochs=1)
    assert found.computed.pop("cpu_seconds") > 0
    assert found.computed == {
        "recurrent_layers": "Keras",
        "precision": "float32",
        "core_missing": "no C++ compiler found",
    }
