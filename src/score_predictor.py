"""Scores a next-pixel model (Task 2a, table 3.3)."""

import math
from pathlib import Path

import pandas as pd

from scanline.data.other_data import mark
from scanline.data.pixels import load_pixels, same_pixels
from scanline.evaluation.quantities import PREDICTED
from scanline.files import save_arrays
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main
from scanline.training.objectives import PREDICT, Score


def score_predictor(
    *, model: Path, train: Path, test: Path, images: int, other_data: bool = False, out: Path
) -> None:
    """Writes scores.csv (training and test split) and the test images' log-likelihoods.

    Per-pixel figures are over all pixels of an image, the first included (divisor T).

    Args:
        model: model.keras of a next-pixel model
        train: pixels that it was trained on
        test: pixels that it has never seen
        out: folder for scores.csv, log_likelihoods.npz
        images: first images of each split, 0: all
        other_data: the model was trained on other images, made alike; the results say on which
    """
    splits = {"train": load_pixels(train).first(images), "test": load_pixels(test).first(images)}
    same_pixels(splits["test"].identity, splits["train"].identity, f"{test}")
    predictor = load_predictor(model, splits["test"].identity, other_data)
    score_of = PREDICT.scorer(predictor)
    rows: list[tuple] = []
    for split, pixels in splits.items():
        nats, accuracy = score_of(pixels)
        score, size = Score.of(nats, accuracy), pixels.pixels.shape[1]
        per_image = score.nats * size
        values = (score.nats, per_image, per_image / math.log(2), score.accuracy)
        for quantity, value in zip(PREDICTED, values, strict=True):
            rows.append((quantity, split, value, len(pixels)))
    columns = ["quantity", "split_or_hidden", "value", "n"]
    scores = pd.DataFrame(rows, columns=columns)
    scores.assign(**mark(predictor, other_data)).to_csv(out / "scores.csv", index=False)
    save_arrays(
        out / "log_likelihoods.npz",
        splits["test"].description | mark(predictor, other_data),
        log_likelihood=-nats * size,
    )


if __name__ == "__main__":
    main(score_predictor)
