"""How probable a pixel's value is, by the log-odds that a model gave it."""

import numpy as np
from scipy.special import log_expit


def log_prob(logits: np.ndarray, pixels: np.ndarray | int) -> np.ndarray:
    """log p of ``pixels`` in {0, 1} by the log-odds that they are 1, of any shape: float64, nats.

    p(1) = sigmoid(logit) and p(0) = sigmoid(-logit).
    """
    return log_expit((2.0 * pixels - 1) * np.asarray(logits, np.float64))
