"""Scores a next-pixel model (Task 2a, table 3.3)."""

import math
from pathlib import Path

import pandas as pd

from scanline.data.other_data import mark
from scanline.data.pixels import load_pixels, same_pixels
from scanline.evaluation.likelihoods import score_images
from scanline.evaluation.quantities import BY_CLASS, PREDICTED
from scanline.files import save_arrays
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main
from scanline.training.objectives import Score


def score_predictor(
    *, model: Path, train: Path, test: Path, images: int, other_data: bool = False, out: Path
) -> None:
    """Writes scores.csv and the images' log-likelihoods, of the training and the test split.

    Per-pixel figures are over all pixels of an image, the first included (divisor T). A model that
    reads labels is not told them; nats_per_image_given_class and bayes_accuracy (the share of
    images whose most probable class by Bayes' rule is their label) stand beside.

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
    rows: list[tuple] = []
    log_likelihood = {}
    for split, pixels in splits.items():
        found, size = score_images(predictor, pixels), pixels.pixels.shape[1]
        log_likelihood[split] = -found.nats * size
        score = Score.of(found.nats, found.accuracy)
        per_image = score.nats * size
        values = [score.nats, per_image, per_image / math.log(2), score.accuracy]
        named = list(zip(PREDICTED, values, strict=True))
        if by_class := found.by_class:
            right = by_class.log_probs.argmax(axis=1) == pixels.labels
            named += zip(BY_CLASS, (-by_class.log_given.mean(), right.mean()), strict=True)
        rows += [(quantity, split, value, len(pixels)) for quantity, value in named]
    columns = ["quantity", "split_or_hidden", "value", "n"]
    scores = pd.DataFrame(rows, columns=columns)
    scores.assign(**mark(predictor, other_data)).to_csv(out / "scores.csv", index=False)
    save_arrays(
        out / "log_likelihoods.npz",
        splits["test"].description | mark(predictor, other_data),
        log_likelihood=log_likelihood["test"],
        train_log_likelihood=log_likelihood["train"],
        log_likelihood_given_class=by_class and by_class.log_given,
        class_log_probs=by_class and by_class.log_probs,
        labels=by_class and pixels.labels,
    )


if __name__ == "__main__":
    main(score_predictor)
