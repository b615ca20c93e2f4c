"""Trains a next-pixel model (Task 2a)."""

from dataclasses import asdict
from pathlib import Path

from scanline.models.architecture import PredictorArchitecture
from scanline.models.predictor import Predictor
from scanline.models.prior import prior_of
from scanline.provenance.stage import main
from scanline.training.fit import LogEpoch
from scanline.training.objectives import PREDICT
from scanline.training.recipe import Recipe
from scanline.training.stage import train_model


def train_predictor(
    *,
    train: Path,
    validation: Path,
    test: Path | None = None,
    out: Path,
    checkpoints: Path,
    architecture: PredictorArchitecture,
    recipe: Recipe,
    log_epoch: LogEpoch | None = None,
) -> dict:
    """Trains a next-pixel model and keeps the best checkpoint: model.keras, two learning curves.

    Args:
        train: pixels to train on (.npz)
        validation: pixels that the checkpoint is chosen on
        test: test pixels, only with --selection test_batches
        out: folder for model.keras, curve_by_epoch.csv, curve_by_step.csv
        checkpoints: folder of work in progress; the same command goes on from there
        architecture: the recurrent stack and what its steps read
        recipe: how the model is trained
    """
    settings = asdict(architecture)
    reads_labels = settings.pop("labels")
    return train_model(
        lambda images: Predictor(
            **settings,
            pixels=images.identity,
            prior=prior_of(images) if reads_labels else (),
            gate_bias=recipe.gate_bias,
            seed=recipe.seed,
        ),
        PREDICT,
        recipe,
        train=train,
        validation=validation,
        test=test,
        out=out,
        checkpoints=checkpoints,
        drawn=lambda images: images.turned(architecture.orientation),
        label=f"predict {architecture.cell} {architecture.layers}x{architecture.units}"
        f" {architecture.inputs}{' labels' if reads_labels else ''} {architecture.orientation}",
        log_epoch=log_epoch,
    )


if __name__ == "__main__":
    main(train_predictor, gpu=True)
