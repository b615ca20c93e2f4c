"""Which models are told apart by the test images: every two of a table, compared image by image.

Of classifiers their accuracy, of next-pixel models the nats per image. Two trained models are
compared, those of one seed; p is not corrected for the number of comparisons.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from scanline.evaluation.image_values import Number
from scanline.evaluation.intervals import difference_of_means, difference_of_shares

COMPARED = {  # by task: what is compared, how, and whether more of it is better
    "classify": ("accuracy", difference_of_shares, True),
    "predict": ("nats_per_image", difference_of_means, False),
}
COLUMNS = ["task", "quantity", "split_or_hidden", "seed", "model", "other", "n"]
COLUMNS += ["difference", "low", "high", "test", "p"]


def comparisons(values: Mapping[Number, np.ndarray]) -> pd.DataFrame:
    """A line a pair of models: ``difference`` = model - other, of which ``other`` is the better.

    Lines come from the best model down, each with the better ones from the next to the best.
    ``values``: by image, the same images for every model. ``low``, ``high``: the difference's 95 %
    interval.
    """
    lines = []
    for task, (quantity, difference_of, more_is_better) in COMPARED.items():
        of_task = {n: v for n, v in values.items() if (n.task, n.quantity) == (task, quantity)}
        for where, seed in sorted({(n.split_or_hidden, n.seed) for n in of_task}):
            mine = {
                n.model: v
                for n, v in of_task.items()
                if (n.split_or_hidden, n.seed) == (where, seed)
            }
            ranked = sorted(mine, key=lambda model: mine[model].mean(), reverse=not more_is_better)
            # From the worst: each model with all better ones, the next first.
            pairs = [*combinations(ranked, 2)]
            for model, other in sorted(pairs, key=lambda pair: -ranked.index(pair[0])):
                found = difference_of(mine[model], mine[other])
                names = (task, quantity, where, seed, model, other, len(mine[model]))
                lines.append((*names, found.mean, *found.interval, found.test, found.p))
    return pd.DataFrame(lines, columns=COLUMNS)
