"""Other people's models of MNIST's pixels beside ours, on pixels made in the same way.

Each protocol has a table of its own. Of density models: the fixed draw that most of them are
compared on (binarized-mnist), training images that are drawn anew in each epoch
(mnist-bernoulli-redrawn; most papers draw test images of their own), and a threshold. How training
images are drawn moves a number by 0.5 to 2 nats, and thresholded pixels cost far fewer than drawn
ones. Of recurrent classifiers: grey pixels read in raster order, and in a fixed random one.
"""

from pathlib import Path

import pandas as pd

from scanline.evaluation.words import QUANTITIES

LITERATURE = Path(__file__).with_name("literature.csv")
OURS = "this project"
IMAGES = ("mnist", "binarized-mnist")  # sources of the images that all of them are of
# A fixed draw of our own is compared with the published one, and says so.
BESIDE = {"mnist-bernoulli": "binarized-mnist"}
ANOTHER_DRAW = "another fixed draw of the same grey values"


SCORED = {"predict": "nats_per_image", "classify": "accuracy"}  # what is compared, by task
KEYS = ["task", "data", "model", "quantity"]


def over_seeds(numbers: pd.DataFrame) -> pd.DataFrame:
    """Our models of whole images, one line each: the mean over seeds on the test split.

    ``numbers``: as in docs/results/figures.csv. Columns: task, data, model, quantity (what
    ``SCORED`` says), measured, low, high, standard_error of the mean over ``n_seeds`` seeds (not a
    number for one), n_parameters, n_images_presented, cpu_hours (of one seed).
    """
    scored = numbers["task"].map(SCORED) == numbers["quantity"]
    by_model = numbers[scored & (numbers["split_or_hidden"] == "test")].groupby(KEYS, sort=False)
    columns = ["value", "low", "high", "n_parameters", "n_images_presented", "cpu_hours"]
    lines = by_model[columns].mean().rename(columns={"value": "measured"})
    lines["standard_error"], lines["n_seeds"] = by_model["value"].sem(), by_model.size()
    return lines.reset_index()


def beside_ours(ours: pd.DataFrame, images: str | None = IMAGES[0]) -> dict[str, pd.DataFrame]:
    """One table for each data set, with the best model first; none beside other ``images``.

    ``ours``: lines as of ``over_seeds``; ``images``: the source of a study's. Columns: task, model,
    quantity, measured, standard_error, n_seeds, low, high, n_parameters, n_images_presented and
    cpu_hours (of ours alone), source (``OURS`` of our models), caveat.
    """
    if images not in IMAGES:
        return {}
    caveats = ours["data"].map(dict.fromkeys(BESIDE, ANOTHER_DRAW)).fillna("")
    ours = ours.assign(source=OURS, caveat=caveats, data=ours["data"].replace(BESIDE))
    theirs = pd.read_csv(LITERATURE).fillna({"caveat": ""}).rename(columns={"value": "measured"})
    theirs["quantity"] = theirs["task"].map(SCORED)
    columns = ["task", "model", "quantity", "measured", "standard_error", "n_seeds", "low", "high"]
    columns += ["n_parameters", "n_images_presented", "cpu_hours", "source", "caveat"]
    tables = {}
    for (data, task), published in theirs.groupby(["data", "task"], sort=False):
        mine = ours[(ours["data"] == data) & (ours["task"] == task)]
        rows = [*published.to_dict("records"), *mine.to_dict("records")]
        both = pd.DataFrame(rows, columns=columns).astype({"n_parameters": "Int64"})
        low_first = QUANTITIES[SCORED[str(task)]].best == "low"
        tables[str(data)] = both.sort_values("measured", ascending=low_first, ignore_index=True)
    return tables
