"""Scores sampled completions: cross-entropies of samples and truth."""

from pathlib import Path

from scanline.data.other_data import mark_of
from scanline.evaluation.completions import mean_scores, score_by_image
from scanline.files import load_arrays
from scanline.inference.forecast import Completions
from scanline.provenance.stage import main


def score_completions(*, samples: Path, out: Path) -> None:
    """Scores the samples of each hidden run: scores.csv (over images) and by_image.csv.

    Args:
        samples: samples.npz
        out: folder for the tables
    """
    arrays, description = load_arrays(
        samples, *Completions._fields, "indices", optional=("labels",)
    )
    completions = Completions(**{name: arrays[name] for name in Completions._fields})
    by_image = score_by_image(completions, description["hidden_runs"])
    by_image.insert(1, "index", arrays["indices"][by_image["image"]])
    if "labels" in arrays:
        by_image.insert(2, "label", arrays["labels"][by_image["image"]])
    scores = mean_scores(by_image, completions.samples.shape[1])
    for name, table in (("by_image", by_image), ("scores", scores)):
        table.assign(**mark_of(description)).to_csv(out / f"{name}.csv", index=False)


if __name__ == "__main__":
    main(score_completions)
