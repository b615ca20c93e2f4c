"""Exports a model for use without this project; a command for a person, no part of the study."""

import os
import sys
import tempfile
from pathlib import Path

import tyro

from scanline.files import write_whole
from scanline.models.export import stock_of


def export_model(*, model: Path, out: Path) -> None:
    """Writes a model of Keras' own layers alone, with the weights of model.keras.

    It reads the inputs of each step, [images, steps, numbers], and gives logits.

    Args:
        model: model.keras of a classifier or a next-pixel model
        out: the new .keras file
    """
    if out.suffix != ".keras" or out.resolve() == model.resolve():
        raise ValueError(f"out is {out}; it must end in .keras and be another file than the model")
    exported = stock_of(model)
    with tempfile.TemporaryDirectory() as scratch:
        exported.save(Path(scratch, out.name))
        write_whole(out, Path(scratch, out.name).read_bytes())


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        tyro.cli(export_model, prog="export_model.py")
    except (ValueError, OSError) as error:
        sys.exit(f"export_model: {error}")
