"""A training as a stage of the study: pixels in, the best checkpoint's model and its curves out."""

from collections.abc import Callable
from pathlib import Path

import keras

from scanline.data.pixels import PixelSet, load_pixels
from scanline.models.saving import save_model
from scanline.training.fit import LogEpoch, fit
from scanline.training.objectives import Objective
from scanline.training.recipe import Recipe


def train_model(
    model_for: Callable[[PixelSet], keras.Model],
    objective: Objective,
    recipe: Recipe,
    *,
    train: Path,
    validation: Path,
    test: Path | None,
    out: Path,
    checkpoints: Path,
    label: str,
    log_epoch: LogEpoch | None,
    drawn: Callable[[PixelSet], PixelSet] | None = None,
) -> dict:
    """Writes model.keras, curve_by_epoch.csv and curve_by_step.csv into ``out``.

    Returns what computed them, for the record.

    ``model_for`` makes the untrained model for the training pixels; the other arguments are those
    of src/train_….py and of ``fit``. ``drawn``, where it is given, makes of the training pixels,
    and of those held out, what is used in their place. Raises ValueError where the recipe chooses
    checkpoints on test batches and no ``test`` pixels are given, or where the model knows
    classes and the images held out have no labels, and what ``fit`` raises.
    """
    drawn = drawn or (lambda pixels: pixels)
    images = load_pixels(train).first(recipe.train_images)
    held_out = validation if recipe.selection == "validation" else test
    if held_out is None:
        raise ValueError("selection test_batches needs --test, the test pixels to draw from")
    model = model_for(images)
    training, judging = drawn(images), drawn(load_pixels(held_out))
    if getattr(model, "classes", 0) and judging.labels is None:
        raise ValueError(
            f"{held_out} has no labels, and the checkpoint is chosen by them; give labelled images"
        )
    curves = fit(
        model,
        objective,
        training,
        judging,
        recipe,
        label=f"{label}, seed {recipe.seed}",
        checkpoints=checkpoints,
        log_epoch=log_epoch,
    )
    save_model(model, out / "model.keras")
    curves.by_epoch.to_csv(out / "curve_by_epoch.csv", index=False)
    curves.by_step.to_csv(out / "curve_by_step.csv", index=False)
    return curves.computed
