"""The table of filled holes, posterior.csv: what each method is worth in each hole.

``nats_per_image`` is -log p of all hidden pixels of an image, their true values, as a mean over
images; ``nats_low`` and ``nats_high`` bound its 95 % interval. Methods that give the truth no
probability have neither.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK, mark_columns
from scanline.evaluation.intervals import interval_of_mean
from scanline.inference.forecast import load_forecasts
from scanline.layout import Place

NATS = "nats_per_image"
LOW, HIGH = "nats_low", "nats_high"


class Filling(NamedTuple):
    """A line of the table, by all that names it within one data set."""

    model: str
    hole: str
    method: str
    trained_on: str = ""  # which other data the model is of (``data.other_data``)


def by_model(methods: Sequence[Path], forecasts: Sequence[Path]) -> pd.DataFrame:
    """One table of several methods.csv files and of the forecasts that they score, {hole}.npz.

    Each file lies where its stage writes it (``layout``). The column ``model`` comes first. Several
    seeds of a model are one line, their mean; the last column, ``n_seeds``, says of how many.
    ``nats_low`` and ``nats_high`` are of that mean for these very models, over images. Models of
    other data stand apart (``data.other_data``).
    """
    table = pd.concat(pd.read_csv(path).assign(model=Place.of(path).variant) for path in methods)
    keys = ["model", "hole", "method", *mark_columns(table)]
    lines = table.groupby(keys, sort=False, dropna=False)
    table = lines.mean().astype({"n_images": int}).reset_index()
    nats = _nats_by_image(forecasts)
    named = table[keys].fillna("").itertuples(index=False)
    table[[NATS, LOW, HIGH]] = [_with_interval(Filling(*line), nats) for line in named]
    return table.assign(n_seeds=lines.size().to_numpy())


def _nats_by_image(forecasts: Sequence[Path]) -> dict[Filling, list[np.ndarray]]:
    """-log p of each image's true hidden pixels [N], one array for each seed."""
    nats: dict[Filling, list[np.ndarray]] = defaultdict(list)
    for path in forecasts:
        found, description = load_forecasts(path)
        source = str(description.get(MARK, ""))
        for method, forecast in found.items():
            name = Filling(Place.of(path).variant, path.stem, method, source)
            nats[name].append(-forecast.log_prob)
    return dict(nats)


def _with_interval(
    name: Filling, nats: Mapping[Filling, Sequence[np.ndarray]]
) -> tuple[float, float, float]:
    """The mean over images and seeds, and its interval; not numbers where p is not known."""
    by_image = np.mean(nats[name], axis=0) if name in nats else np.array([np.nan])
    if np.isnan(by_image).any():
        return (np.nan, np.nan, np.nan)
    return (float(by_image.mean()), *interval_of_mean(by_image))
