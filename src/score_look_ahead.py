"""Scores a look-ahead on random holes."""

from pathlib import Path

import pandas as pd

from scanline.data.pixels import load_pixels, same_pixels
from scanline.evaluation.quantities import LOOKED_AHEAD
from scanline.models.look_ahead import load_look_ahead
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main
from scanline.training.look_ahead import objective_of
from scanline.training.objectives import Score


def score_look_ahead(
    *, model: Path, look_ahead: Path, train: Path, test: Path, images: int, out: Path
) -> None:
    """Writes scores.csv: hidden pixels of a random hole in each image, training and test split.

    Each hidden pixel is predicted from all pixels before it and all observed ones. Nats are by
    pixel of the image, hidden or not.

    Args:
        model: model.keras of the next-pixel model
        look_ahead: model.keras of its look-ahead
        train: pixels that the next-pixel model was trained on
        test: pixels that it has not seen
        out: folder for scores.csv
        images: first images of each split, 0: all
    """
    splits = {"train": load_pixels(train).first(images), "test": load_pixels(test).first(images)}
    same_pixels(splits["test"].identity, splits["train"].identity, f"{test}")
    predictor = load_predictor(model, splits["test"].identity)
    score_of = objective_of(predictor).scorer(load_look_ahead(look_ahead, predictor))
    rows = []
    for split, pixels in splits.items():
        score = Score.of(*score_of(pixels))
        for quantity, value in zip(LOOKED_AHEAD, score, strict=True):
            rows.append((quantity, split, value, len(pixels)))
    columns = ["quantity", "split_or_hidden", "value", "n"]
    pd.DataFrame(rows, columns=columns).to_csv(out / "scores.csv", index=False)


if __name__ == "__main__":
    main(score_look_ahead)
