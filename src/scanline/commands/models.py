"""The verbs about models themselves: ``models`` lists them, ``export`` writes one for elsewhere."""

import tempfile
from pathlib import Path


def models() -> None:
    """List the trained models that come with the package, and how good they are on test images."""
    from scanline.catalogue import models

    shown = models().astype(object)
    print(shown.where(shown.notna(), "").to_markdown(index=False, floatfmt=".4f"))


def export(*, model: str, out: Path, task: str = "predict", data: str | None = None) -> None:
    """Write a model of Keras' own layers alone, which loads where this package is not.

    It reads the inputs of each step, [images, steps, numbers], and gives logits.

    Args:
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        out: the new .keras file
        task: predict or classify, where the model is a name
        data: the data set of the model, where it is a name that several have
    """
    from scanline.files import write_whole
    from scanline.library import path_of
    from scanline.models.export import stock_of

    path = path_of(model, task, data)
    if out.suffix != ".keras" or out.resolve() == path.resolve():
        raise ValueError(f"out is {out}; it must end in .keras and be another file than the model")
    exported = stock_of(path)
    with tempfile.TemporaryDirectory() as scratch:
        exported.save(Path(scratch, out.name))
        write_whole(out, Path(scratch, out.name).read_bytes())
