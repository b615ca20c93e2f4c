"""Compares every two models of a table, image by image.

Classifiers are compared by accuracy and next-pixel models by nats per image, always within one
seed. p is not corrected for the number of comparisons.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK
from scanline.evaluation.image_values import Number
from scanline.evaluation.intervals import difference_of_means, difference_of_shares

COMPARED = {  # by task: what is compared, how, and whether more of it is better
    "classify": ("accuracy", difference_of_shares, True),
    "predict": ("nats_per_image", difference_of_means, False),
}
COLUMNS = ["task", "quantity", "split_or_hidden", "seed", "model", "other", "n"]
COLUMNS += ["difference", "low", "high", "test", "p"]
MARKS = [MARK, f"other_{MARK}"]  # of both models, where one is of other data than these


def comparisons(values: Mapping[Number, np.ndarray]) -> pd.DataFrame:
    """One line for each pair of models: ``difference`` = model - other, where ``other`` is better.

    Lines go from the second best model to the worst, each beside all better models, the next better
    one first and the best one last. ``values``: by image, the same images for every model. ``low``,
    ``high``: the difference's 95 % interval.
    """
    lines = []
    for task, (quantity, difference_of, more_is_better) in COMPARED.items():
        of_task = {n: v for n, v in values.items() if (n.task, n.quantity) == (task, quantity)}
        for where, seed in sorted({(n.split_or_hidden, n.seed) for n in of_task}):
            mine = {
                n: v for n, v in of_task.items() if (n.split_or_hidden, n.seed) == (where, seed)
            }
            ranked = sorted(mine, key=lambda one: mine[one].mean(), reverse=not more_is_better)
            ranked.reverse()  # the best first
            for place, one in enumerate(ranked):
                for other in reversed(ranked[:place]):
                    found = difference_of(mine[one], mine[other])
                    names = (task, quantity, where, seed, one.model, other.model, len(mine[one]))
                    numbers = (found.mean, *found.interval, found.test, found.p)
                    lines.append((*names, *numbers, one.trained_on, other.trained_on))
    table = pd.DataFrame(lines, columns=[*COLUMNS, *MARKS])
    return table if (table[MARKS] != "").any(axis=None) else table[COLUMNS]
