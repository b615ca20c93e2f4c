"""Trains a classifier (Task 1)."""

from pathlib import Path
from typing import Literal

from scanline.data.pixels import load_pixels
from scanline.models.classifier import Classifier
from scanline.provenance.stage import main
from scanline.training.fit import LogEpoch, Recipe, fit
from scanline.training.objectives import CLASSIFY


def train_classifier(
    *,
    train: Path,
    validation: Path,
    test: Path | None = None,
    out: Path,
    checkpoints: Path,
    cell: Literal["lstm", "gru"],
    units: int,
    layers: int,
    gate_bias: Literal["zeros", "one", "chrono"] = "zeros",
    epochs: int,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    warmup_steps: int = 0,
    decay: Literal["constant", "cosine"] = "constant",
    clip_norm: float = 0.0,
    seed: int = 1,
    batch_norm: Literal["running", "recomputed"] = "running",
    shift_pixels: int = 0,
    train_images: int = 0,
    selection: Literal["validation", "test_batches"] = "validation",
    log_epoch: LogEpoch | None = None,
) -> None:
    """Trains a classifier and keeps the best checkpoint: model.keras, two learning curves.

    Args:
        train: pixels to train on (.npz)
        validation: pixels that the checkpoint is chosen on
        test: test pixels, with --selection test_batches alone
        out: folder for model.keras, curve_by_epoch.csv, curve_by_step.csv
        checkpoints: folder of work in progress; the same command goes on from there
        cell: recurrent cell
        units: units of each layer
        layers: recurrent layers
        gate_bias: first bias of the gate that keeps a state
        epochs: passes over the training images
        batch_size: images a step
        learning_rate: of Adam
        warmup_steps: steps from 0 to the learning rate
        decay: of the learning rate after the warm-up
        clip_norm: largest global norm of a gradient, 0: any
        seed: of first weights, and of the order and shifts of the images
        batch_norm: averages for evaluation, running ones or recomputed after each epoch
        shift_pixels: most rows and columns that a training image is shifted by, 0: none is
        train_images: first training images used, 0: all
        selection: what the checkpoint is chosen on
    """
    training = load_pixels(train).first(train_images)
    held_out = validation if selection == "validation" else test
    if held_out is None:
        raise ValueError("selection test_batches needs --test, the test pixels to draw from")
    model = Classifier(cell, units, layers, training.identity, gate_bias=gate_bias, seed=seed)
    curves = fit(
        model,
        CLASSIFY,
        training,
        load_pixels(held_out),
        Recipe(
            epochs,
            batch_size,
            learning_rate,
            warmup_steps,
            decay,
            clip_norm,
            seed,
            selection,
            batch_norm,
            shift_pixels,
        ),
        label=f"classify {cell} {layers}x{units}, seed {seed}",
        checkpoints=checkpoints,
        log_epoch=log_epoch,
    )
    model.save(out / "model.keras")
    curves.by_epoch.to_csv(out / "curve_by_epoch.csv", index=False)
    curves.by_step.to_csv(out / "curve_by_step.csv", index=False)


if __name__ == "__main__":
    main(train_classifier, gpu=True)
