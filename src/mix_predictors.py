"""Scores a mixture of next-pixel models by what each says of whole images."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import mark_of
from scanline.evaluation.mixtures import mixed
from scanline.evaluation.quantities import PREDICTED
from scanline.files import load_arrays, save_arrays
from scanline.provenance.stage import main

SPLITS = {"train": "train_log_likelihood", "test": "log_likelihood"}


def mix_predictors(*, likelihoods: tuple[Path, ...], out: Path) -> None:
    """Writes scores.csv and log_likelihoods.npz as score_predictor does, without an accuracy.

    p(image) is the mean of the models' p(image); single pixels have no probabilities of their own.

    Args:
        likelihoods: log_likelihoods.npz of the models, of the same images
        out: folder for scores.csv, log_likelihoods.npz
    """
    read = [load_arrays(path, *SPLITS.values()) for path in likelihoods]
    arrays, description = read[0]
    for path, (others, of_others) in zip(likelihoods, read, strict=True):
        sizes = [(len(others[name]), len(arrays[name])) for name in arrays]
        if of_others != description or any(there != here for there, here in sizes):
            raise ValueError(
                f"{path} is of other images than {likelihoods[0]}; mix models that are scored on "
                f"the same ones"
            )
    found = {name: mixed(np.stack([each[name] for each, _ in read])) for name in arrays}
    rows: list[tuple] = []
    for split, name in SPLITS.items():
        nats, size = -found[name].mean(), description["rows"] * description["columns"]
        values = zip(PREDICTED, (nats / size, nats, nats / math.log(2)), strict=False)
        rows += [(quantity, split, value, len(found[name])) for quantity, value in values]
    columns = ["quantity", "split_or_hidden", "value", "n"]
    scores = pd.DataFrame(rows, columns=columns).assign(**mark_of(description))
    scores.to_csv(out / "scores.csv", index=False)
    save_arrays(out / "log_likelihoods.npz", description, **found)


if __name__ == "__main__":
    main(mix_predictors)
