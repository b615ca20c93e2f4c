"""Other people's density models of binary MNIST beside ours, on pixels made in the same way.

Pixels that were drawn from the grey values cost far more nats than thresholded ones, so each data
set has a table of its own. Each paper drew its own pixels, so numbers compare only roughly.
"""

from pathlib import Path

import pandas as pd

LITERATURE = Path(__file__).with_name("literature.csv")
OURS = "this project"
IMAGES = "mnist"  # the source of the images that all of them are of


def beside_ours(numbers: pd.DataFrame, images: str | None = IMAGES) -> dict[str, pd.DataFrame]:
    """One table for each data set, with the best model first; none beside other ``images``.

    ``numbers``: as in docs/results/figures.csv; ``images``: the source of a study's. Columns:
    model, nats_per_image, low, high, n_parameters, source (``OURS`` of our next-pixel models, mean
    over seeds), caveat.
    """
    if images != IMAGES:
        return {}
    ours = numbers[
        (numbers["task"] == "predict")
        & (numbers["quantity"] == "nats_per_image")
        & (numbers["split_or_hidden"] == "test")
    ]
    columns = ["value", "low", "high", "n_parameters"]
    ours = ours.groupby(["data", "model"], sort=False)[columns].mean().reset_index()
    ours = ours.rename(columns={"value": "nats_per_image"}).assign(source=OURS, caveat="")
    theirs = pd.read_csv(LITERATURE)
    columns = ["model", "nats_per_image", "low", "high", "n_parameters", "source", "caveat"]
    tables = {}
    for data, published in theirs.groupby("data", sort=False):
        rows = [*published.to_dict("records"), *ours[ours["data"] == data].to_dict("records")]
        both = pd.DataFrame(rows, columns=columns).astype({"n_parameters": "Int64"})
        tables[str(data)] = both.sort_values("nats_per_image", ignore_index=True)
    return tables
