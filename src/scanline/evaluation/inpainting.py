"""In-painting by the most probable completion: the image it gives, and how near the truth it is.

The completion maximises the likelihood of the whole image, and the truth is one of the candidates,
so that a completion never has a higher cross-entropy than the truth.
"""

import numpy as np
import pandas as pd

from scanline.evaluation.forecasts import accuracies
from scanline.evaluation.quantities import INPAINTED, PUBLISHED_AS
from scanline.holes.sets import filled
from scanline.inference.exact import ExactPosterior


def inpainted(pixels: np.ndarray, posterior: ExactPosterior) -> np.ndarray:
    """Each image [N, T] with its hidden pixels as the most probable completion has them."""
    return filled(pixels, posterior.hidden, posterior.map_completion)


def truth_arrays(pixels: np.ndarray, posterior: ExactPosterior) -> dict[str, np.ndarray]:
    """What the posterior says of the true ``pixels`` [N, T], and of the best completion.

    truth_rank (0: no completion is more probable), truth_log_posterior, log_likelihood_truth and
    log_likelihood_map (of the whole image), truth and map [N, k]; log-probabilities in nats.
    """
    truth = np.take_along_axis(pixels, posterior.hidden, axis=1)
    true_index = posterior.index_of(truth)[:, None]
    best_index = posterior.map_index[:, None]
    return {
        "truth_rank": posterior.rank_of(truth),
        "truth_log_posterior": np.take_along_axis(posterior.log_posterior, true_index, 1)[:, 0],
        "log_likelihood_truth": np.take_along_axis(posterior.log_joint, true_index, 1)[:, 0],
        "log_likelihood_map": np.take_along_axis(posterior.log_joint, best_index, 1)[:, 0],
        "truth": truth,
        "map": posterior.map_completion,
    }


def score_inpainting(pixels: np.ndarray, posterior: ExactPosterior, hole: str) -> pd.DataFrame:
    """Lines of scores.csv for one kind of hole: quantity, split_or_hidden, value, n.

    ``ground_truth``, ``map`` and ``difference`` (map - ground truth, never above 0) are the whole
    image's cross-entropy in nats per pixel, mean and standard deviation over images.
    ``whole_accuracy``, ``pixel_accuracy`` and ``marginal_accuracy`` are those of
    ``forecasts.accuracies`` under their published names. ``truth_log_posterior`` and ``entropy``
    are means over images, in nats.
    """
    arrays = truth_arrays(pixels, posterior)
    size = pixels.shape[1]
    by_image = {
        "ground_truth": -arrays["log_likelihood_truth"] / size,
        "map": -arrays["log_likelihood_map"] / size,
        "difference": (arrays["log_likelihood_truth"] - arrays["log_likelihood_map"]) / size,
    }
    values: dict[str, float] = {}
    for name, nats in by_image.items():
        values[f"{name}_mean"] = nats.mean()
        values[f"{name}_std"] = nats.std()
    found = accuracies(arrays["map"], posterior.marginals, arrays["truth"])
    values |= {PUBLISHED_AS[name]: each.mean() for name, each in found.items()}
    values |= {
        "truth_log_posterior": arrays["truth_log_posterior"].mean(),
        "entropy": posterior.entropy.mean(),
    }
    return pd.DataFrame(
        {
            "quantity": INPAINTED,
            "split_or_hidden": hole,
            "value": [values[name] for name in INPAINTED],
            "n": len(pixels),
        }
    )
