"""What runs a model's recurrent layers in training: chosen by measurement where there is a choice.

Without a GPU the layers choose by themselves (``core: auto``) and nothing is timed. With one, the
faster is not known beforehand: Keras' loop makes hundreds of small steps there, which XLA or even
the core on the CPU may beat. So a few real training steps of each are timed.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from scanline.models import native
from scanline.models.stack import RecurrentStack


class Implementation(NamedTuple):
    """How a training step is compiled."""

    core: str  # what the layers' option of this name is set to
    device: str | None = None  # None: where TensorFlow puts it
    xla: bool = False


_noted: dict = {}
AUTO = Implementation("auto")
ON_A_GPU = {
    "Keras, GPU": Implementation("keras"),
    "Keras by XLA, GPU": Implementation("keras", xla=True),
    "core, CPU": Implementation("native", "/CPU:0"),
}


class Choice(NamedTuple):
    """The fastest, and how long a call of each took: seconds, infinite where it failed."""

    name: str
    seconds: dict[str, float]


def offered() -> Mapping[str, Implementation]:
    """The implementations that this machine has to be timed for; none without a GPU."""
    return ON_A_GPU if tf.config.list_physical_devices("GPU") else {}


def fastest(candidates: Mapping[str, Callable[[], object]], repeats: int = 3) -> Choice:
    """Calls each candidate once to compile it and ``repeats`` times more, of which the best counts.

    A candidate that TensorFlow or a layer refuses is out. Raises ValueError where all are.
    """
    seconds = {}
    for name, run in candidates.items():
        try:
            seconds[name] = min([_duration(run) for _ in range(1 + repeats)][1:])
        except (tf.errors.OpError, ValueError, native.NoCompilerError):
            seconds[name] = math.inf
    name = min(seconds, key=lambda name: seconds[name])
    if math.isinf(seconds[name]):
        raise ValueError(f"none of {', '.join(seconds)} runs here; use accelerator cpu")
    return Choice(name, seconds)


def facts(stack: RecurrentStack, precision: native.Precision, choice: Choice | None = None) -> dict:
    """For a stage's record: what computed the recurrent layers, and what was timed for it.

    ``precision`` is what the steps were asked for; Keras' loop knows only float32.
    """
    if all(layer.runs_natively() for layer in stack.recurrent_layers):
        computed = {"recurrent_layers": f"core, {native.instruction_set(precision)}"}
        computed["precision"] = precision
    else:
        computed = {"recurrent_layers": "Keras", "precision": "float32"}
        if native.library() is None:
            computed["core_missing"] = native.why_missing()
    if choice is None:
        return computed
    known = {name: s for name, s in choice.seconds.items() if math.isfinite(s)}
    return computed | {"implementation": choice.name, "seconds_a_step": known}


def note(stack: RecurrentStack) -> None:
    """Remembers a loaded model's ``facts`` until a stage takes them for its record."""
    _noted.update(facts(stack, stack.precision))


def take_noted() -> dict:
    """The facts of the models loaded since the last call; none where none was."""
    taken = dict(_noted)
    _noted.clear()
    return taken


def _duration(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
