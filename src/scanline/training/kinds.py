"""The kinds of models that are trained, one a task of config.yaml.

To add one: its model in models/, its objective in ``training.objectives``, an entry here, and
src/train_….py and src/score_….py with their rules. Models and objectives are named, not imported,
so that a plan needs no TensorFlow; ``provenance.code`` counts such names as imports.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras

    from scanline.training.objectives import Objective


SOURCE = Path(__file__).resolve().parents[2]
HERE = "src/scanline/training/kinds.py"


class Kind(NamedTuple):
    """What one task trains; all but the scripts are {module}:{name}."""

    script: str  # src/{script}.py trains it
    scorer: str  # src/{scorer}.py scores it
    model: str
    architecture: str  # the part of a variant that the model is made of
    objective: str

    @property
    def model_class(self) -> "type[keras.Model]":
        return resolve_name(self.model)

    @property
    def model_name(self) -> str:
        return self.model.partition(":")[2]

    @property
    def minimised(self) -> "Objective":
        return resolve_name(self.objective)


KINDS = {
    "classify": Kind(
        "train_classifier",
        "score_classifier",
        "scanline.models.classifier:Classifier",
        "scanline.models.architecture:Architecture",  # it reads the pixel itself, no context
        "scanline.training.objectives:CLASSIFY",
    ),
    "predict": Kind(
        "train_predictor",
        "score_predictor",
        "scanline.models.predictor:Predictor",
        "scanline.models.architecture:PredictorArchitecture",
        "scanline.training.objectives:PREDICT",
    ),
    "look_ahead": Kind(
        "train_look_ahead",
        "score_look_ahead",
        "scanline.models.look_ahead:LookAhead",
        "scanline.models.architecture:LookAheadArchitecture",
        "scanline.training.look_ahead:LOOK_AHEAD",
    ),
}


def task_of(script: str) -> str:
    """The task whose models src/``script``.py trains; ValueError where it trains none."""
    for task, kind in KINDS.items():
        if kind.script == script:
            return task
    raise ValueError(f"{script} trains no model; those that do: {', '.join(_scripts())}")


def check(config: Mapping) -> None:
    """Raises ValueError, naming the file to edit, where a kind is only half there.

    That is where a script, its model, architecture or objective is not written, or ``config`` has
    no such task.
    """
    for task, kind in KINDS.items():
        scripts = [(SOURCE / f"{name}.py", name) for name in (kind.script, kind.scorer)]
        named = (kind.model, kind.architecture, kind.objective)
        for path, name in [*scripts, *((_file_of(each), each.partition(":")[2]) for each in named)]:
            if name not in _defined(path):
                raise ValueError(
                    f"{HERE}: {task!r} needs {name} in src/{path.relative_to(SOURCE)}; write it "
                    f"there, or rename it here"
                )
        if task not in config:
            raise ValueError(f"config.yaml lacks {task!r}, a kind of {HERE}; add it there")


def _file_of(named: str) -> Path:
    """The file of an object that is named {module}:{name}."""
    return SOURCE / f"{named.partition(':')[0].replace('.', '/')}.py"


def _defined(path: Path) -> set[str]:
    """The names that a module's own statements bind; none where there is no such file."""
    if not path.is_file():
        return set()
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _scripts() -> list[str]:
    return [kind.script for kind in KINDS.values()]
