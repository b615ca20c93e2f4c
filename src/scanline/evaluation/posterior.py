"""The table of filled holes, posterior.csv: what each method is worth in each hole.

``nats_per_image`` is -log p of all hidden pixels of an image, their true values, as a mean over
images; ``nats_low`` and ``nats_high`` bound its 95 % interval. Methods that give the truth no
probability have neither.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK, mark_columns
from scanline.evaluation.intervals import interval_over_seeds
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
    found = [nats.get(Filling(*line), []) for line in named]
    table[NATS] = [np.mean(seeds) if seeds else np.nan for seeds in found]
    table[[LOW, HIGH]] = [interval_over_seeds(seeds) for seeds in found]
    return table.assign(n_seeds=lines.size().to_numpy())


def _nats_by_image(forecasts: Sequence[Path]) -> dict[Filling, list[np.ndarray]]:
    """-log p of each image's true hidden pixels [N], one array for each seed.

    Methods that give the truth no probability are left out.
    """
    nats: dict[Filling, list[np.ndarray]] = defaultdict(list)
    for path in forecasts:
        found, description = load_forecasts(path)
        source = str(description.get(MARK, ""))
        for method, forecast in found.items():
            name = Filling(Place.of(path).variant, path.stem, method, source)
            if not np.isnan(forecast.log_prob).any():
                nats[name].append(-forecast.log_prob)
    return nats
