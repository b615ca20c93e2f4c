"""Other people's density models of binary MNIST beside ours, on pixels made in the same way.

Each protocol has a table of its own: the fixed draw that density models are compared on
(binarized-mnist), training images that are drawn anew in each epoch (mnist-bernoulli-redrawn; most
papers draw test images of their own), and a threshold. How training images are drawn moves a number
by 0.5 to 2 nats, and thresholded pixels cost far fewer than drawn ones.
"""

from pathlib import Path

import pandas as pd

LITERATURE = Path(__file__).with_name("literature.csv")
OURS = "this project"
IMAGES = ("mnist", "binarized-mnist")  # sources of the images that all of them are of
# A fixed draw of our own is compared with the published one, and says so.
BESIDE = {"mnist-bernoulli": "binarized-mnist"}
ANOTHER_DRAW = "another fixed draw of the same grey values"


SCORED = {"task": "predict", "quantity": "nats_per_image", "split_or_hidden": "test"}


def over_seeds(numbers: pd.DataFrame) -> pd.DataFrame:
    """Our next-pixel models, one line each: the mean over seeds of their nats on the test split.

    ``numbers``: as in docs/results/figures.csv. Columns: data, model, nats_per_image, low, high,
    standard_error of the mean over ``n_seeds`` seeds (not a number for one), n_parameters,
    training_hours (of one seed).
    """
    scored = numbers[(numbers[list(SCORED)] == list(SCORED.values())).all(axis=1)]
    by_model = scored.groupby(["data", "model"], sort=False)
    columns = ["value", "low", "high", "n_parameters", "training_hours"]
    lines = by_model[columns].mean().rename(columns={"value": "nats_per_image"})
    lines["standard_error"], lines["n_seeds"] = by_model["value"].sem(), by_model.size()
    return lines.reset_index()


def beside_ours(ours: pd.DataFrame, images: str | None = IMAGES[0]) -> dict[str, pd.DataFrame]:
    """One table for each data set, with the best model first; none beside other ``images``.

    ``ours``: lines as of ``over_seeds``; ``images``: the source of a study's. Columns: model,
    nats_per_image, standard_error, n_seeds, low, high, n_parameters, source (``OURS`` of our
    models), caveat.
    """
    if images not in IMAGES:
        return {}
    caveats = ours["data"].map(dict.fromkeys(BESIDE, ANOTHER_DRAW)).fillna("")
    ours = ours.assign(source=OURS, caveat=caveats, data=ours["data"].replace(BESIDE))
    theirs = pd.read_csv(LITERATURE).fillna({"caveat": ""})
    columns = ["model", "nats_per_image", "standard_error", "n_seeds", "low", "high"]
    columns += ["n_parameters", "source", "caveat"]
    tables = {}
    for data, published in theirs.groupby("data", sort=False):
        rows = [*published.to_dict("records"), *ours[ours["data"] == data].to_dict("records")]
        both = pd.DataFrame(rows, columns=columns).astype({"n_parameters": "Int64"})
        tables[str(data)] = both.sort_values("nats_per_image", ignore_index=True)
    return tables
