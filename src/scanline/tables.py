"""Tables: what was measured beside what the 2017 report published, and the difference.

Every table is tidy. ``difference`` is measured - published. Several seeds are one line, with the
standard error of their mean.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

PUBLISHED = Path(__file__).with_name("published.csv")
KEYS = ["task", "model", "quantity", "split_or_hidden"]
NUMBER_OF = {  # of the report's table, by task
    "classify": "2.3",
    "predict": "3.3",
    "complete": "3.4.1",
    "inpaint": "4.1",
}
# The report scored images of one polarity with a model trained on the other. With matched polarity
# the author's own model gives these, in nats per pixel.
MATCHED_POLARITY = {("ground_truth_mean", "1x1"): 0.0837, ("ground_truth_mean", "2x2"): 0.0831}


def published() -> pd.DataFrame:
    """The report's numbers: table, task, model, quantity, split_or_hidden, published."""
    return pd.read_csv(PUBLISHED, dtype={"split_or_hidden": str}).rename(
        columns={"value": "published"}
    )


def measured(scores: Sequence[Path]) -> pd.DataFrame:
    """All lines of scores.csv files, with what their paths tell.

    A path ends in {data}/{task}/{variant}/seed-{seed}/{stage}/scores.csv. Columns: data, task,
    model, seed, quantity, split_or_hidden, measured, n. Raises ValueError for another path.
    """
    tables = []
    for path in scores:
        data, task, variant, seed = path.parts[-6:-2] if len(path.parts) > 5 else ("",) * 4
        if not seed.startswith("seed-"):
            raise ValueError(f"{path} does not end in data/task/variant/seed-N/stage/scores.csv")
        table = pd.read_csv(path, dtype={"split_or_hidden": str}).rename(
            columns={"value": "measured"}
        )
        where = {"data": data, "task": task, "model": variant}
        tables.append(table.assign(**where, seed=int(seed.removeprefix("seed-"))))
    if not tables:
        raise ValueError("no scores are given; a table needs one scores.csv at least")
    columns = ["data", "task", "model", "seed", "quantity", "split_or_hidden", "measured", "n"]
    return pd.concat(tables, ignore_index=True)[columns]


def figures(scores: Sequence[Path]) -> pd.DataFrame:
    """Every measured number beside the published one, seed by seed; in the report's vocabulary."""
    both = measured(scores).merge(published(), on=KEYS, how="left")
    both["difference"] = both["measured"] - both["published"]
    return both


def comparison(numbers: pd.DataFrame, task: str) -> pd.DataFrame:
    """One task's table over seeds: model, quantity, split_or_hidden, measured, standard_error, …

    ``standard_error`` is that of the mean over ``n_seeds`` seeds, empty for one. Order as measured.
    """
    lines = []
    of_task = numbers[numbers["task"] == task]
    for keys, group in of_task.groupby(["model", "quantity", "split_or_hidden"], sort=False):
        values = group["measured"].to_numpy()
        one = len(values) == 1
        error = np.nan if one else values.std(ddof=1) / np.sqrt(len(values))
        line = dict(zip(["model", "quantity", "split_or_hidden"], keys, strict=True))
        line |= {
            "measured": values.mean(),
            "standard_error": error,
            "n_seeds": len(values),
            "n": group["n"].iloc[0],
            "published": group["published"].iloc[0],
            "difference": values.mean() - group["published"].iloc[0],
        }
        if task == "inpaint":
            matched = MATCHED_POLARITY.get((str(keys[1]), str(keys[2])), np.nan)
            line["published_matched_polarity"] = matched
        lines.append(line)
    return pd.DataFrame(lines)
