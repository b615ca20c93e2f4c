"""A study of 4 x 4 images: its stages run as functions, in the folders that the workflow gives."""

from collections.abc import Callable
from pathlib import Path

from recipes import arguments_of
from small_digits import SIDE, TEST_IMAGES, TRAINING_IMAGES, VALIDATION_IMAGES, write_digits

from binarise import binarise
from scanline.data.binarise import PixelSettings
from scanline.data.published import MNIST_FILES
from scanline.provenance.record import Record
from scanline.provenance.stage import run
from score_predictor import score_predictor
from train_predictor import train_predictor

DATA = "tiny"
PIXELS = {"source": "digits", "method": "threshold", "threshold": 0.1}
SHAPE = {"cell": "gru", "units": 4, "layers": 1}
EPOCHS = 3
PLAIN = {"epochs": EPOCHS, "batch_size": 16}


def binarise_digits(results: Path, digits: Path) -> Record:
    """Writes generated digits to ``digits``, their pixels to the data set's folder."""
    write_digits(digits, TRAINING_IMAGES, TEST_IMAGES, SIDE)
    return run(
        binarise,
        files=tuple(digits / name for name in MNIST_FILES),
        settings=PixelSettings(data=DATA, validation_images=VALIDATION_IMAGES, **PIXELS),
        out=results / DATA / "pixels",
    )


def train(
    results: Path,
    variant: str = "gru-4",
    seed: int = 1,
    function: Callable[..., None] = train_predictor,
    **settings,
) -> Record:
    """Trains a model of four units for three epochs."""
    return run(
        function,
        train=results / DATA / "pixels/train.npz",
        validation=results / DATA / "pixels/validation.npz",
        checkpoints=results / "checkpoints",
        out=train_folder(results, variant, seed),
        **arguments_of(
            function.__name__,
            **({"epochs": EPOCHS, "batch_size": 16, "seed": seed} | SHAPE | settings),
        ),
    )


def score(results: Path, out: Path) -> Record:
    """Scores the next-pixel model of ``train`` on all images."""
    pixels = results / DATA / "pixels"
    return run(
        score_predictor,
        model=train_folder(results) / "model.keras",
        train=pixels / "train.npz",
        test=pixels / "test.npz",
        images=0,
        out=out,
    )


def train_folder(results: Path, variant: str = "gru-4", seed: int = 1) -> Path:
    """Where a training's results lie."""
    return results / DATA / "predict" / variant / f"seed-{seed}" / "train"
