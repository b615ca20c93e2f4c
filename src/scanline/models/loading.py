"""Safe loading of a model file."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import keras
import numpy as np

from scanline.data.pixels import same_pixels
from scanline.models.environment import check_keras
from scanline.models.sizes import check_size

Model = TypeVar("Model", bound=keras.Model)


def load_model(
    path: Path, kind: type[Model], pixels: Mapping | None, other_data: bool | None = None
) -> Model:
    """The model of a .keras file; nothing in the file is executed.

    Raises ValueError, naming the file, where it is not a whole .keras file, holds another ``kind``
    of model, or was trained on other ``pixels`` (None: on any; ``other_data``: on any made alike,
    see ``same_pixels``).
    """
    check_keras()
    try:
        check_size(path)
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # Keras raises many kinds for a damaged or a hostile file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a readable model ({reason})") from error
    if not isinstance(model, kind):
        raise ValueError(f"{path} holds a {type(model).__name__}; needed is a {kind.__name__}")
    if pixels is not None:
        same_pixels(model.pixels, dict(pixels), f"{path}", other_data)
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise ValueError(f"{path} has NaN or infinite numbers in {weight.path}; train it anew")
    return model


def n_parameters(model: keras.Model) -> int:
    """How many numbers of a model are trained."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)
