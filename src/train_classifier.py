"""Trains a classifier (Task 1)."""

from dataclasses import asdict
from pathlib import Path

from scanline.models.architecture import Architecture
from scanline.models.classifier import Classifier
from scanline.provenance.stage import main
from scanline.training.fit import LogEpoch
from scanline.training.objectives import CLASSIFY
from scanline.training.recipe import ClassifierRecipe
from scanline.training.stage import train_model


def train_classifier(
    *,
    train: Path,
    validation: Path,
    test: Path | None = None,
    out: Path,
    checkpoints: Path,
    architecture: Architecture,
    recipe: ClassifierRecipe,
    log_epoch: LogEpoch | None = None,
) -> dict:
    """Trains a classifier and keeps the best checkpoint: model.keras, two learning curves.

    Args:
        train: pixels to train on (.npz)
        validation: pixels that the checkpoint is chosen on
        test: test pixels, only with --selection test_batches
        out: folder for model.keras, curve_by_epoch.csv, curve_by_step.csv
        checkpoints: folder of work in progress; the same command goes on from there
        architecture: the recurrent stack
        recipe: how the model is trained
    """
    return train_model(
        lambda images: Classifier(
            **asdict(architecture),
            pixels=images.identity,
            gate_bias=recipe.gate_bias,
            seed=recipe.seed,
        ),
        CLASSIFY,
        recipe,
        train=train,
        validation=validation,
        test=test,
        out=out,
        checkpoints=checkpoints,
        label=f"classify {architecture.cell} {architecture.layers}x{architecture.units}",
        log_epoch=log_epoch,
    )


if __name__ == "__main__":
    main(train_classifier, gpu=True)
