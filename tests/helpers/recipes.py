"""Settings of small trainings: what a test does not name is plain (constant rate, no extras)."""

from dataclasses import fields

from scanline.models.architecture import Architecture, LookAheadArchitecture, PredictorArchitecture
from scanline.study.settings import flags
from scanline.training.recipe import ClassifierRecipe, Recipe

TYPES = {
    "train_classifier": (Architecture, ClassifierRecipe),
    "train_predictor": (PredictorArchitecture, Recipe),
    "train_look_ahead": (LookAheadArchitecture, Recipe),
}
PLAIN = {
    "batch_size": 256,
    "learning_rate": 1e-3,
    "warmup_steps": 0,
    "decay": "constant",
    "clip_norm": 0.0,
    "ema_momentum": 0.0,
    "dropout": 0.0,
    "gate_bias": "zeros",
    "train_images": 0,
    "selection": "validation",
    "precision": "float32",
    "seed": 1,
    "inputs": "previous",
    "radius": 6,
    "residual": False,
    "readout_units": 0,
    "labels": False,
    "orientation": "raster",
    "batch_norm": "running",
    "shift_pixels": 0,
}


def settings_of(script: str, **given) -> dict:
    """All settings of src/``script``.py, the ``given`` ones among them."""
    names = [field.name for each in TYPES[script] for field in fields(each)]
    if unknown := given.keys() - set(names):
        raise ValueError(f"{script} has no settings {sorted(unknown)}")
    both = PLAIN | given
    return {name: both[name] for name in names}


def arguments_of(script: str, **given) -> dict:
    """The same as the script's function takes them: architecture and recipe."""
    settings = settings_of(script, **given)
    made = [
        each(**{field.name: settings[field.name] for field in fields(each)})
        for each in TYPES[script]
    ]
    return dict(zip(("architecture", "recipe"), made, strict=True))


def words_of(script: str, **given) -> list[str]:
    """The same as words of its command line."""
    return flags(settings_of(script, **given)).split()


def recipe(epochs: int, task: str = "predict", **given) -> Recipe:
    """A plain recipe but for what is ``given``."""
    script = {"predict": "train_predictor", "classify": "train_classifier"}[task]
    return arguments_of(script, cell="gru", units=4, layers=1, epochs=epochs, **given)["recipe"]
