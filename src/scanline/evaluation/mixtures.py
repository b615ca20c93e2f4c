"""Mixtures of next-pixel models: p(image) is the mean of what the models say of the whole image.

It adds up to one over all images, as each model's does. Probabilities of single pixels are not
mixed: models of other orientations have read other pixels before one, among them some that are told
from it in their turn, so that a product of such means is no probability of an image.
"""

import numpy as np


def mixed(log_likelihoods: np.ndarray) -> np.ndarray:
    """log p under the mixture, float64 [N, ...], of M models' log p [M, N, ...]; all in nats."""
    total = np.logaddexp.reduce(log_likelihoods.astype(np.float64))
    return total - np.log(len(log_likelihoods))
