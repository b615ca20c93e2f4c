"""The kinds of models that are trained, one a task of config.yaml.

To add one: its model in models/, its objective in ``training.objectives``, an entry here, and
src/train_….py and src/score_….py with their rules. Models and objectives are named, not imported,
so that a plan needs no TensorFlow; ``provenance.code`` counts such names as imports.
"""

from pkgutil import resolve_name
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras

    from scanline.training.objectives import Objective


class Kind(NamedTuple):
    """What one task trains; ``model`` and ``objective`` are {module}:{name}."""

    script: str  # src/{script}.py
    model: str
    objective: str

    @property
    def model_class(self) -> "type[keras.Model]":
        return resolve_name(self.model)

    @property
    def minimised(self) -> "Objective":
        return resolve_name(self.objective)


KINDS = {
    "classify": Kind(
        "train_classifier",
        "scanline.models.classifier:Classifier",
        "scanline.training.objectives:CLASSIFY",
    ),
    "predict": Kind(
        "train_predictor",
        "scanline.models.predictor:Predictor",
        "scanline.training.objectives:PREDICT",
    ),
}


def task_of(script: str) -> str:
    """The task whose models src/``script``.py trains; ValueError where it trains none."""
    for task, kind in KINDS.items():
        if kind.script == script:
            return task
    raise ValueError(f"{script} trains no model; those that do: {', '.join(_scripts())}")


def _scripts() -> list[str]:
    return [kind.script for kind in KINDS.values()]
