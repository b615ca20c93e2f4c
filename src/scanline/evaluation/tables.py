"""Tables of what was measured beside what the 2017 report published, and the difference.

Every table is tidy. ``difference`` is measured - published. Several seeds share one line, with the
standard error of their mean. ``low`` and ``high`` bound the 95 % interval over test images; they
are empty if a number is not a mean over test images. Numbers for other pixels than the report's
have no published ones beside them: they are not comparable. A table of models on other data than
their own has a column that tells which (``data.other_data``); for no such number is one published.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import MARK, mark_columns
from scanline.evaluation.image_values import Number
from scanline.evaluation.intervals import interval_over_seeds, standard_error
from scanline.layout import Place
from scanline.training.kinds import KINDS

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
        place = Place.of(path)
        table = pd.read_csv(path, dtype={"split_or_hidden": str}).rename(
            columns={"value": "measured"}
        )
        tables.append(
            table.assign(data=place.data, task=place.task, model=place.variant, seed=place.seed)
        )
    if not tables:
        raise ValueError("no scores are given; a table needs one scores.csv at least")
    columns = ["data", "task", "model", "seed", "quantity", "split_or_hidden", "measured", "n"]
    both = pd.concat(tables, ignore_index=True)
    return both[[*columns, *mark_columns(both)]]


def figures(
    scores: Sequence[Path],
    values: Mapping[Number, np.ndarray],
    comparable: bool = True,
    pretrained: Sequence[str] = (),
) -> pd.DataFrame:
    """Every measured number beside the published one, seed by seed; in the report's vocabulary.

    ``values``: by image, of the numbers that get an interval. ``comparable``: the numbers are for
    the report's pixels; else nothing is published for them.
    ``pretrained``: models that were taken, not trained here, {task}/{variant}/seed-{seed}; the
    column ``trained`` tells ("pretrained" or "here").
    """
    beside = published() if comparable else published().iloc[:0]
    both = measured(scores).merge(beside, on=KEYS, how="left")
    sources = _sources(both)
    both.loc[sources != "", ["table", "published"]] = np.nan
    both["difference"] = both["measured"] - both["published"]
    named = both.assign(trained_on=sources)[list(Number._fields)]
    names = map(Number._make, named.itertuples(index=False))
    both[["low", "high"]] = [_interval([name], values) for name in names]
    taken = trained_models(both).isin(list(pretrained))
    both["trained"] = np.where(taken, "pretrained", "here")
    return both


def trained_models(numbers: pd.DataFrame) -> pd.Series:
    """The trained model that each number is of: {task}/{variant}/seed-{seed}."""
    # Completions and in-paintings are a next-pixel model's.
    task = numbers["task"].where(numbers["task"].isin(KINDS), "predict")
    named = zip(task, numbers["model"], numbers["seed"], strict=True)
    return pd.Series([Place("", *each).model for each in named], numbers.index, dtype=object)


def comparison(
    numbers: pd.DataFrame, task: str, values: Mapping[Number, np.ndarray]
) -> pd.DataFrame:
    """One task's table over seeds: model, quantity, split_or_hidden, measured, standard_error, …

    ``standard_error`` is that of the mean over ``n_seeds`` seeds, empty for one. ``low`` and
    ``high`` are of that mean for these very models, over images. Order as measured.
    Of Task 3 also ``published_matched_polarity``: the report's model on pixels of its own polarity.
    """
    lines = []
    of_task = numbers[numbers["task"] == task].assign(source=_sources)
    for key, group in of_task.groupby([*KEYS[1:], "source"], sort=False):
        model, quantity, where, source = map(str, key)
        by_seed, beside = group["measured"].to_numpy(), group["published"].iloc[0]
        low, high = group[["low", "high"]].iloc[0]
        if len(group) > 1:
            names = [Number(task, model, seed, quantity, where, source) for seed in group["seed"]]
            low, high = _interval(names, values)
        line = {
            "model": model,
            "quantity": quantity,
            "split_or_hidden": where,
            "measured": by_seed.mean(),
            "standard_error": standard_error(by_seed),
            "low": low,
            "high": high,
            "n_seeds": len(by_seed),
            "n": group["n"].iloc[0],
            "trained": group["trained"].iloc[0],
            "published": beside,
            "difference": by_seed.mean() - beside,
        }
        if task == "inpaint":
            matched = MATCHED_POLARITY.get((model, quantity, where), np.nan)
            line["published_matched_polarity"] = np.nan if np.isnan(beside) else matched
        lines.append(line | dict.fromkeys(mark_columns(numbers), source))
    return pd.DataFrame(lines)


def _sources(numbers: pd.DataFrame) -> pd.Series:
    """Which other data each number's model is of; "" where it is of those that it is scored on."""
    return numbers[MARK].fillna("") if MARK in numbers else pd.Series("", numbers.index)


def _interval(names: Sequence[Number], values: Mapping[Number, np.ndarray]) -> tuple[float, float]:
    """Of the mean over images and models; not numbers where there are no values by image."""
    found = [values[name] for name in names if name in values]
    return interval_over_seeds(found)
