"""What classifier and predictor share: their description, first gate biases, and safe loading."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import keras
import numpy as np

from scanline.pixels import same_pixels
from scanline.recurrent import RecurrentStack

GATE_BIASES = ("zeros", "one", "chrono")
Model = TypeVar("Model", bound=keras.Model)


def set_gate_bias(stack: RecurrentStack, gate_bias: str, steps: int, seed: int) -> None:
    """Sets the bias of the gate that keeps a state: GRU's update gate, LSTM's forget gate.

    ``chrono``: log U(1, steps - 1), so that some units remember as long as a sequence of ``steps``;
    LSTM's input gate gets its negative (Tallec and Ollivier, arXiv:1804.11188).
    """
    if gate_bias not in GATE_BIASES:
        raise ValueError(f"gate_bias is {gate_bias!r}; allowed: {', '.join(GATE_BIASES)}")
    generator = np.random.default_rng(seed)
    units = stack.units
    for layer in stack.recurrent_layers:
        _, _, variable = layer.weights  # kernel, recurrent_kernel, bias
        bias = np.zeros(variable.shape, np.float32)
        keep = slice(0, units) if stack.cell == "gru" else slice(units, 2 * units)
        if gate_bias == "one":
            bias[..., keep] = 1
        elif gate_bias == "chrono":
            bias[..., keep] = np.log(generator.uniform(1, max(steps - 1, 1), units))
            if stack.cell == "lstm":
                bias[..., :units] = -bias[..., keep]
        variable.assign(bias)


def load_model(path: Path, kind: type[Model], pixels: Mapping | None) -> Model:
    """The model of a .keras file; nothing in the file is executed.

    Raises ValueError, naming the file, where it is not a whole .keras file, holds another ``kind``
    of model, or was trained on other ``pixels`` (None: on any).
    """
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # Keras raises many kinds for a damaged or a hostile file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a readable model ({reason})") from error
    if not isinstance(model, kind):
        raise ValueError(f"{path} holds a {type(model).__name__}; needed is a {kind.__name__}")
    if pixels is not None:
        same_pixels(model.pixels, dict(pixels), f"{path}")
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise ValueError(f"{path} has NaN or infinite numbers in {weight.path}; train it anew")
    return model
