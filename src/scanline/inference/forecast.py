"""What a model, or any method, says of hidden pixels; the files that keep forecasts."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scanline.data.orientation import Orientation
from scanline.files import load_arrays, save_arrays


class Completions(NamedTuple):
    """Samples of L hidden pixels of N images, S an image, and what the model said on the way.

    The first l pixels of a sample are a sample of the first l hidden pixels.
    """

    samples: np.ndarray  # uint8 [N, S, L], drawn from p(hidden | pixels before)
    sample_logits: np.ndarray  # float32 [N, S, L], log-odds of ink given the sample's own past
    truth: np.ndarray  # uint8 [N, L]
    teacher_forced_logits: np.ndarray  # float32 [N, L], log-odds of ink given the true past


class Forecast(NamedTuple):
    """What a method says of k hidden pixels of N images; ``samples`` has S completions an image."""

    best: np.ndarray  # uint8 [N, k], the most probable completion
    marginals: np.ndarray  # float64 [N, k], p(ink)
    samples: np.ndarray  # uint8 [N, S, k]; S = 0 where the method draws none
    log_prob: np.ndarray  # float64 [N] nats, of the true pixels; NaN where undefined

    def turned_back(self, orientation: Orientation, hidden: np.ndarray) -> "Forecast":
        """The same, given in the order of reading, in that of ``hidden`` [N, k], flat indices."""
        return self._replace(
            best=orientation.values_back(self.best, hidden),
            marginals=orientation.values_back(self.marginals, hidden),
            samples=orientation.values_back(self.samples, hidden),
        )


def save_forecasts(path: Path, description: Mapping, forecasts: Mapping[str, Forecast]) -> None:
    """Writes ``forecasts`` by method to one .npz file, with a ``description`` of the pixels."""
    arrays = {
        f"{method}_{field}": array
        for method, forecast in forecasts.items()
        for field, array in forecast._asdict().items()
    }
    save_arrays(path, {**description, "methods": list(forecasts)}, **arrays)


def load_forecasts(path: Path) -> tuple[dict[str, Forecast], dict]:
    """What ``save_forecasts`` wrote: forecasts by method, and the description.

    Raises ValueError where the file is none of those.
    """
    _, description = load_arrays(path)
    if "methods" not in description:
        raise ValueError(f"{path} does not name its methods; is it one of fill_holes' files?")
    forecasts = {}
    for method in description["methods"]:
        arrays, _ = load_arrays(path, *(f"{method}_{field}" for field in Forecast._fields))
        forecasts[method] = Forecast(*arrays.values())
    return forecasts, description
