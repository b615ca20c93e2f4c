"""Sampled completions of hidden runs, and how good they are over images and by image.

For a run of L hidden pixels and one image the cross-entropy is the mean over the run of
-log p(pixel), in nats. Three of them: of the *samples* under their own predictions, of the *ground
truth under samples* (true pixels, predictions made along a sample: the report's "Ground Truth"),
and of the *ground truth, teacher forced* (true pixels, predictions given the true past).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scanline.evaluation.intervals import standard_error
from scanline.evaluation.quantities import COMPLETED
from scanline.inference.forecast import Completions
from scanline.inference.log_odds import log_prob


def score_by_image(completions: Completions, runs: Sequence[int]) -> pd.DataFrame:
    """One line for each image and hidden run: three cross-entropies, and what samples look like.

    Columns: ``image`` (0 to N - 1), ``hidden_run``, those quantities (nats per hidden pixel, mean
    over samples), ``accuracy`` (the share of sampled pixels that equal the truth) and ``diversity``
    (the share of the hidden pixels in which two different samples differ, mean over all pairs; 0
    for one sample). A digit is completed well where the accuracy is high, badly where it is low,
    and its samples vary much where the diversity is high. Raises ValueError for a run longer than
    what was sampled.
    """
    drawn = completions.samples.shape[2]
    truth = completions.truth[:, None, :]
    forced = -log_prob(completions.teacher_forced_logits, completions.truth)
    nats = {
        "samples": -log_prob(completions.sample_logits, completions.samples).mean(axis=1),
        "ground_truth_under_samples": -log_prob(completions.sample_logits, truth).mean(axis=1),
        "ground_truth_teacher_forced": forced,
        "accuracy": (completions.samples == truth).mean(axis=1),
        "diversity": _disagreement(completions.samples),
    }
    tables = []
    for run in runs:
        if not 1 <= run <= drawn:
            raise ValueError(f"a hidden run is {run}; the samples allow 1 to {drawn} pixels")
        means = {name: by_pixel[:, :run].mean(axis=1) for name, by_pixel in nats.items()}
        tables.append(pd.DataFrame({"image": range(len(truth)), "hidden_run": run} | means))
    return pd.concat(tables, ignore_index=True)


def mean_scores(by_image: pd.DataFrame, samples: int) -> pd.DataFrame:
    """The table's entries: quantity, split_or_hidden, value, standard_error, n.

    ``value`` is the mean over images and ``samples``, and ``n`` is their number. ``standard_error``
    counts only images as independent.
    """
    lines = []
    for run, images in by_image.groupby("hidden_run"):
        for name in COMPLETED:
            values = images[name].to_numpy()
            forced = name == "ground_truth_teacher_forced"
            lines.append(
                {
                    "quantity": name,
                    "split_or_hidden": run,
                    "value": values.mean(),
                    "standard_error": standard_error(values),
                    "n": len(values) * (1 if forced else samples),
                }
            )
    return pd.DataFrame(lines)


def _disagreement(samples: np.ndarray) -> np.ndarray:
    """How often two different ones of the samples [N, S, L] differ, [N, L]."""
    count = samples.shape[1]
    ink = samples.sum(axis=1, dtype=np.float64)
    return 2 * ink * (count - ink) / max(count * (count - 1), 1)
