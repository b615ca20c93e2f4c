"""Trains the look-ahead of a next-pixel model."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from scanline.data.pixels import PixelSet
from scanline.inference.ancestral import sample_images
from scanline.models.architecture import LookAheadArchitecture
from scanline.models.look_ahead import LookAhead, hash_of_weights
from scanline.models.predictor import Predictor, load_predictor
from scanline.provenance.stage import main
from scanline.training.fit import LogEpoch
from scanline.training.look_ahead import objective_of
from scanline.training.recipe import Recipe
from scanline.training.stage import train_model

ROWS = 8192  # images that are drawn together
SPLITS = ("train", "validation", "test")


def train_look_ahead(
    *,
    model: Path,
    train: Path,
    validation: Path,
    test: Path | None = None,
    out: Path,
    checkpoints: Path,
    architecture: LookAheadArchitecture,
    recipe: Recipe,
    log_epoch: LogEpoch | None = None,
) -> dict:
    """Trains the companion that fills a next-pixel model's holes: model.keras, two curves.

    It learns the model's own posterior, so in place of each split as many images are drawn from the
    model itself (Paige and Wood 2016, arXiv:1602.06701).

    Args:
        model: model.keras of the next-pixel model, whose weights stay as they are
        train: pixels (.npz); as many are drawn to train on
        validation: pixels; as many are drawn to choose the checkpoint on
        test: test pixels, in the place of validation with --selection test_batches
        out: folder for model.keras, curve_by_epoch.csv, curve_by_step.csv
        checkpoints: folder of work in progress; the same command goes on from there
        architecture: the layers of the companion
        recipe: how it is trained
    """
    predictor = load_predictor(model)
    predictor.check_raster("a look-ahead")
    return train_model(
        lambda images: LookAhead(
            predictor.stack.units,
            hash_of_weights(predictor),
            images.identity,
            **asdict(architecture),
            gate_bias=recipe.gate_bias,
            seed=recipe.seed,
        ),
        objective_of(predictor),
        recipe,
        train=train,
        validation=validation,
        test=test,
        out=out,
        checkpoints=checkpoints,
        drawn=lambda pixels: _own_images(predictor, pixels, recipe.seed),
        label=f"look ahead of {predictor.stack.cell} {predictor.stack.units}",
        log_epoch=log_epoch,
    )


def _own_images(predictor: Predictor, like: PixelSet, seed: int) -> PixelSet:
    """As many images as those of a split, drawn from the model; each split has its own draws."""
    split = SPLITS.index(like.description["split"])
    starts = range(0, len(like), ROWS)
    seeds = np.random.SeedSequence((seed, split)).generate_state(len(starts)) >> 1
    parts = [
        sample_images(predictor, min(ROWS, len(like) - start), like.pixels.shape[1], int(each))
        for start, each in zip(starts, seeds, strict=True)
    ]
    print(f"{len(like)} images of the model's own in place of {SPLITS[split]}", flush=True)
    return PixelSet(np.concatenate(parts), None, like.description)


if __name__ == "__main__":
    main(train_look_ahead, gpu=True)
