"""A model's file that holds only the model: equal models give equal bytes, whenever written."""

import json
import zipfile
from pathlib import Path

import keras

DATE = (1980, 1, 1, 0, 0, 0)  # of all parts; a zip file knows no earlier one
SAVED = "1980-01-01@00:00:00"  # the same as Keras writes it


def save_model(model: keras.Model, path: Path) -> None:
    """Writes ``model`` as a .keras file without the date and time that Keras puts in."""
    model.save(path)
    with zipfile.ZipFile(path) as file:
        parts = {info: file.read(info) for info in file.infolist()}
    with zipfile.ZipFile(path, "w") as file:
        for info, content in parts.items():
            if info.filename == "metadata.json":
                content = json.dumps(json.loads(content) | {"date_saved": SAVED}).encode()
            file.writestr(zipfile.ZipInfo(info.filename, DATE), content, info.compress_type)
