"""The verbs about models themselves: ``models`` lists them, ``export`` writes one for elsewhere."""

from pathlib import Path
from typing import Literal


def models() -> None:
    """List the trained models that come with the package, and how good they are on test images."""
    from scanline.catalogue import models

    shown = models().astype(object)
    print(shown.where(shown.notna(), "").to_markdown(index=False, floatfmt=".4f"))


def export(
    *,
    model: str,
    out: Path,
    format: Literal["keras", "onnx", "tflite"] = "keras",
    task: str = "predict",
    data: str | None = None,
    batch: int | None = None,
) -> None:
    """Write a model for use where this package is not: images in, logits out.

    Images are [B, rows, columns] of 0 and 1, with ink 1. A next-pixel model gives each pixel's
    log-odds of ink given those before it, [B, rows, columns]; a classifier [B, classes]. A .keras
    file loads in Keras 3.8 and newer.

    Args:
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        out: the new file, which ends in .keras, .onnx or .tflite as the format does
        format: keras (layers of Keras alone), onnx, or tflite (TensorFlow Lite)
        task: predict or classify, where the model is a name
        data: the data set of the model, where it is a name that several have
        batch: images at a time, for onnx and tflite, whose shapes are fixed; by default one
    """
    from scanline.files import write_whole
    from scanline.library import path_of
    from scanline.models.export import exported

    path = path_of(model, task, data)
    if out.suffix != f".{format}" or out.resolve() == path.resolve():
        raise ValueError(
            f"out is {out}; it must end in .{format} and be another file than the model"
        )
    if batch is not None and batch < 1:
        raise ValueError(f"batch is {batch}; allowed: 1 and above")
    write_whole(out, exported(path, format, batch))
