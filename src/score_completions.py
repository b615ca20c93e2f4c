"""Scores sampled completions: cross-entropies of samples and truth."""

from pathlib import Path

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
    by_image.to_csv(out / "by_image.csv", index=False)
    mean_scores(by_image, completions.samples.shape[1]).to_csv(out / "scores.csv", index=False)


if __name__ == "__main__":
    main(score_completions)
