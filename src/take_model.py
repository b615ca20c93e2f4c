"""Takes a trained model that comes with the project, in place of training one."""

import shutil
from pathlib import Path

from scanline.data.pixels import load_pixels, same_pixels
from scanline.files import sha256_of
from scanline.models.description import description_of
from scanline.provenance.record import Record
from scanline.provenance.stage import main
from scanline.training.kinds import KINDS, task_of


def take_model(
    *, model: Path, curves: tuple[Path, ...], training: Path, pixels: Path, out: Path
) -> None:
    """Copies model.keras and its learning curves, once they have proved to be the recorded ones.

    Raises ValueError where the model is not the one that the training's record names, or belongs
    to other pixels.

    Args:
        model: model.keras of a classifier, a next-pixel model or a look-ahead
        curves: its learning curves
        training: the record of its training
        pixels: pixels of the study that takes it
        out: folder for model.keras and the curves
    """
    record = Record.load(training)
    found, recorded = sha256_of(model), record.outputs["model.keras"]
    if found != recorded:
        raise ValueError(f"{model} has SHA-256 {found}; {training} says {recorded}: get it anew")
    described, kind = description_of(model), KINDS[task_of(record.script)]
    if described["class_name"] != kind.model_name:
        raise ValueError(
            f"{model} holds a {described['class_name']}; {record.script} trains a {kind.model_name}"
        )
    same_pixels(described["config"]["pixels"], load_pixels(pixels).identity, f"{model}")
    for path in (model, *curves):
        shutil.copyfile(path, out / path.name)


if __name__ == "__main__":
    main(take_model)
