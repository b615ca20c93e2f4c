"""The table of filled holes, posterior.csv: what each method is worth in each hole.

``nats_per_image`` is -log p of all hidden pixels of an image, their true values, as a mean over
images; ``nats_low`` and ``nats_high`` bound its 95 % interval. Methods that give the truth no
probability have neither.

How well a posterior is sampled is told where it was measured (``evaluation.calibration``), of
particles as many as fill the holes: ``effective_sample_size``, ``log_observed_sd`` and, in nats,
``bound_gap``, the median distance of two bounds of log p(observed).
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
SAMPLED = ("effective_sample_size", "log_observed_sd", "bound_gap")


class Filling(NamedTuple):
    """A line of the table, by all that names it within one data set."""

    model: str
    hole: str
    method: str
    trained_on: str = ""  # which other data the model is of (``data.other_data``)


def by_model(
    methods: Sequence[Path], forecasts: Sequence[Path], calibrations: Sequence[Path]
) -> pd.DataFrame:
    """One table of several methods.csv files and of the forecasts that they score, {hole}.npz.

    ``calibrations`` are the models' calibration.csv, beside which errors.csv lies.
    Each file lies where its stage writes it (``layout``). The column ``model`` comes first. Several
    seeds of a model are one line, their mean; the column ``n_seeds`` says of how many.
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
    table["n_seeds"] = lines.size().to_numpy()
    by_hole = ["model", "hole", "method"]
    sampled = [pd.DataFrame(columns=[*by_hole, *SAMPLED]), *map(_sampled, calibrations)]
    means = pd.concat(sampled).groupby(by_hole, as_index=False).mean()
    return table.merge(means, on=by_hole, how="left")


def _sampled(calibration: Path) -> pd.DataFrame:
    """Of one model and each hole: what so many particles as fill the holes are worth."""
    bounds = pd.read_csv(calibration)
    errors = pd.read_csv(calibration.with_name("errors.csv"))
    as_filled = errors["particles"] == bounds["particles"].iloc[0]
    measured = errors[as_filled].set_index("hole")
    both = measured[list(SAMPLED[:2])].join(
        bounds.groupby("hole")["bound_gap"].first(), how="outer"
    )
    return both.reset_index().assign(model=Place.of(calibration).variant, method="smc")


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
