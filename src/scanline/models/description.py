"""What a .keras file says of its model, read without TensorFlow."""

import json
import zipfile
from pathlib import Path


def description_of(path: Path) -> dict:
    """The ``class_name`` and ``config`` of a .keras file, as Keras writes them.

    Raises ValueError, naming the file, where it is no whole .keras file.
    """
    try:
        with zipfile.ZipFile(path) as file:
            described = json.loads(file.read("config.json"))
        return {key: described[key] for key in ("class_name", "config")}
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a readable model ({error}); get it anew") from error
