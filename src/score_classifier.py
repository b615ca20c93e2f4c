"""Scores a classifier (Task 1, table 2.3)."""

from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import mark
from scanline.data.pixels import load_pixels, same_pixels
from scanline.evaluation.quantities import CLASSIFIED
from scanline.files import save_arrays
from scanline.models.classifier import load_classifier
from scanline.provenance.stage import main
from scanline.training.objectives import CLASSIFY, Score


def score_classifier(
    *, model: Path, train: Path, test: Path, images: int, other_data: bool = False, out: Path
) -> None:
    """Writes scores.csv (training and test split) and what it says of each test image.

    Args:
        model: model.keras of a classifier
        train: pixels that it was trained on
        test: pixels that it has never seen
        out: folder for scores.csv, predictions.npz
        images: first images of each split, 0: all
        other_data: the model was trained on other images, made alike; the results say on which
    """
    splits = {"train": load_pixels(train).first(images), "test": load_pixels(test).first(images)}
    same_pixels(splits["test"].identity, splits["train"].identity, f"{test}")
    for path, pixels in zip((train, test), splits.values(), strict=True):
        if pixels.labels is None:
            raise ValueError(
                f"{path} has images without labels, which a score needs; scanline classify tells "
                f"classes"
            )
    classifier = load_classifier(model, splits["test"].identity, other_data)
    score_of = CLASSIFY.scorer(classifier)
    rows: list[tuple] = []
    for split, pixels in splits.items():
        score = Score.of(*score_of(pixels))
        for quantity, value in zip(CLASSIFIED, (score.nats, score.accuracy), strict=True):
            rows.append((quantity, split, value, len(pixels)))
    columns = ["quantity", "split_or_hidden", "value", "n"]
    scores = pd.DataFrame(rows, columns=columns)
    scores.assign(**mark(classifier, other_data)).to_csv(out / "scores.csv", index=False)
    test_pixels = splits["test"]
    save_arrays(
        out / "predictions.npz",
        test_pixels.description | mark(classifier, other_data),
        class_log_probs=classifier.log_probs(test_pixels.pixels).astype(np.float32),
        labels=test_pixels.labels,
    )


if __name__ == "__main__":
    main(score_classifier)
