"""Tables: what was measured beside what the 2017 report published, and the difference.

Every table is tidy. ``difference`` is measured - published. Several seeds are one line, with the
standard error of their mean. Numbers for other pixels than the report's have no published ones
beside them: they are not comparable.
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
MATCHED_POLARITY: dict[tuple, float] = {
    ("gru-128", "ground_truth_mean", "1x1"): 0.0837,
    ("gru-128", "ground_truth_mean", "2x2"): 0.0831,
}


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


def figures(
    scores: Sequence[Path], comparable: bool = True, pretrained: Sequence[str] = ()
) -> pd.DataFrame:
    """Every measured number beside the published one, seed by seed; in the report's vocabulary.

    ``comparable``: the numbers are for the report's pixels; else nothing is published for them.
    ``pretrained``: models that were taken, not trained here, {task}/{variant}/seed-{seed}; the
    column ``trained`` tells ("pretrained" or "here").
    """
    beside = published() if comparable else published().iloc[:0]
    both = measured(scores).merge(beside, on=KEYS, how="left")
    both["difference"] = both["measured"] - both["published"]
    taken = trained_models(both).isin(list(pretrained))
    both["trained"] = np.where(taken, "pretrained", "here")
    return both


def trained_models(numbers: pd.DataFrame) -> pd.Series:
    """The trained model that each number is of: {task}/{variant}/seed-{seed}."""
    # Completions and in-paintings are a next-pixel model's.
    task = numbers["task"].where(numbers["task"] == "classify", "predict")
    return task + "/" + numbers["model"] + "/seed-" + numbers["seed"].astype(str)


def comparison(numbers: pd.DataFrame, task: str) -> pd.DataFrame:
    """One task's table over seeds: model, quantity, split_or_hidden, measured, standard_error, …

    ``standard_error`` is that of the mean over ``n_seeds`` seeds, empty for one. Order as measured.
    Of Task 3 also ``published_matched_polarity``: the report's model on pixels of its own polarity.
    """
    lines = []
    of_task = numbers[numbers["task"] == task]
    for (model, quantity, where), group in of_task.groupby(KEYS[1:], sort=False):
        values, beside = group["measured"].to_numpy(), group["published"].iloc[0]
        one = len(values) == 1
        line = {
            "model": model,
            "quantity": quantity,
            "split_or_hidden": where,
            "measured": values.mean(),
            "standard_error": np.nan if one else values.std(ddof=1) / np.sqrt(len(values)),
            "n_seeds": len(values),
            "n": group["n"].iloc[0],
            "trained": group["trained"].iloc[0],
            "published": beside,
            "difference": values.mean() - beside,
        }
        if task == "inpaint":
            matched = MATCHED_POLARITY.get((model, quantity, where), np.nan)
            line["published_matched_polarity"] = np.nan if np.isnan(beside) else matched
        lines.append(line)
    return pd.DataFrame(lines)
