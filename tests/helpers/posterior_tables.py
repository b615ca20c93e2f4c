"""Tables of filled holes with made-up numbers, as score_forecasts writes them."""

import numpy as np
import pandas as pd

from scanline.evaluation.posterior import SAMPLED

HOLES = ("run-10", "run-28", "2x2", "4x4", "8x8", "upper-half", "left-half", "random-half")
NUMBERS = (
    "nats_per_hidden_pixel",
    "map_pixel_accuracy",
    "map_whole_accuracy",
    "brier",
    "digit_accuracy",
    "seconds_per_image",
    "marginal_pixel_accuracy",
    "sample_digit_accuracy",
    "mean_digit_accuracy",
)


def ways_of(hole: str) -> list[str]:
    """The methods of a hole, the posterior's the second."""
    posterior = ["exact"] if hole in ("run-10", "2x2") else ["smc", "particle_gibbs"]
    return ["prefix", *posterior, "gibbs", "nearest_image", "pixel_frequencies"]


def methods_table(seed: int = 0) -> pd.DataFrame:
    """methods.csv of one model; of the truth and of the nearest image not all is known."""
    generator = np.random.default_rng(seed)
    lines = []
    for hole in HOLES:
        at = {"hole": hole, "n_images": 20}
        lines.append(at | {"method": "truth", "digit_accuracy": 0.9})
        for method in ways_of(hole):
            numbers = dict(zip(NUMBERS, generator.random(len(NUMBERS)), strict=True))
            line = at | {"method": method} | numbers
            if method in ("particle_gibbs", "gibbs", "nearest_image"):
                line["nats_per_hidden_pixel"] = np.nan
            lines.append(line)
    return pd.DataFrame(lines)[["hole", "method", "n_images", *NUMBERS]]


def posterior_table(seed: int = 0, model: str = "gru-128") -> pd.DataFrame:
    """posterior.csv of one model, as tabulate_posterior writes it; its holes have 50 pixels."""
    table = methods_table(seed).assign(model=model)
    nats = 50 * table["nats_per_hidden_pixel"]
    table = table.assign(nats_per_image=nats, nats_low=nats - 1.2, nats_high=nats + 1.3, n_seeds=1)
    sampled = np.random.default_rng(seed + 1).random((len(table), len(SAMPLED)))
    table[list(SAMPLED)] = np.where(table[["method"]] == "smc", sampled, np.nan)
    return table


def reliability_table(seed: int = 0) -> pd.DataFrame:
    """reliability.csv of one model."""
    generator = np.random.default_rng(seed)
    lines = [
        (hole, method, low / 10, low / 10 + 0.1, int(n), low / 10 + 0.05, ink)
        for hole in HOLES
        for method in ways_of(hole)
        for low, (n, ink) in enumerate(
            zip(generator.integers(1, 100, 10), generator.random(10), strict=True)
        )
    ]
    columns = ["hole", "method", "low", "high", "n_pixels", "p_ink", "ink"]
    return pd.DataFrame(lines, columns=columns)
