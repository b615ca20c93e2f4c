"""What the report says first: of each task one number, the best model's, and a picture."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from scanline.evaluation.posterior import NATS
from scanline.evaluation.words import METHODS, QUANTITIES, TASKS
from scanline.report.pictures import Picture
from scanline.report.posterior import entry_of_hole
from scanline.report.tables import best_of, entry_of

BY_PIXEL = "nats_per_hidden_pixel"
# Of each task the quantity that says most, and whether it is of the test split or of a hidden part.
HEADLINES = {
    "classify": ("accuracy", "test"),
    "predict": ("nats_per_pixel", "test"),
    "complete": ("ground_truth_under_samples", "longest"),
    "inpaint": ("whole_accuracy", "longest"),
}


class Headline(NamedTuple):
    """One line of the summary; "" where there is no interval or nothing published."""

    task: str
    what: str
    model: str
    ours: str
    interval: str
    beside: str  # the best published value of any model; of holes, what the prefix alone gives


def headlines(tables: Mapping[str, pd.DataFrame]) -> list[Headline]:
    """The summary's lines; ``tables``: by task, those of tables/."""
    found = []
    for task, (quantity, _) in HEADLINES.items():
        if task not in tables or (lines := _most_telling(task, tables[task])).empty:
            continue
        best = _best(quantity, lines, "measured")
        entry = entry_of(best)
        found.append(
            Headline(
                TASKS[task],
                f"{QUANTITIES[quantity].heading} ({_place(task, best['split_or_hidden'])})",
                str(best["model"]),
                entry.ours,
                entry.interval,
                _published(quantity, lines),
            )
        )
    return found


def best_last(predict: pd.DataFrame) -> list[str]:
    """The models of the table of next-pixel models, from the worst on test images to the best."""
    lines = _most_telling("predict", predict)
    return lines.sort_values("measured", ascending=False)["model"].tolist()


def longest(lines: pd.DataFrame) -> str:
    """The largest hidden part among a table's: the run of most pixels, or the last kind of hole."""
    parts = list(dict.fromkeys(lines["split_or_hidden"].astype(str)))
    if all(part.isdigit() for part in parts):
        return max(parts, key=int, default="")
    return parts[-1] if parts else ""


def of_holes(lines: pd.DataFrame) -> list[Headline]:
    """The line on holes, of the last hole in posterior.csv: the best filling beside the prefix's.

    None of them where posterior.csv has no ``lines``.
    """
    if lines.empty:
        return []
    lines = lines[lines["hole"] == lines["hole"].iloc[-1]].dropna(subset=[BY_PIXEL])
    best = _best(BY_PIXEL, lines, BY_PIXEL)
    quantity = NATS if pd.notna(best.get(NATS)) else BY_PIXEL  # an older table has no other
    shown = entry_of_hole(best, quantity)
    prefix = lines[(lines["model"] == best["model"]) & (lines["method"] == "prefix")]
    line = Headline(
        TASKS["posterior"],
        f"{QUANTITIES[quantity].heading} ({best['hole']})",
        f"{best['model']}, {METHODS[best['method']].label}",
        shown.ours,
        shown.interval,
        "".join(f"{entry_of_hole(each, quantity).ours} (prefix)" for _, each in prefix.iterrows()),
    )
    return [line]


def shown_first(pictures: Sequence[Picture]) -> Picture | None:
    """The picture beside the summary: samples of the longest run, in a well completed image."""
    digits = [each for each in pictures if each.kind == "digit"]
    well = [each for each in digits if each.choice.endswith("well")]
    return max(well, key=lambda each: int(each.choice.split("|")[0]), default=None)


def _most_telling(task: str, lines: pd.DataFrame) -> pd.DataFrame:
    """Of a task's table the lines that HEADLINES names, one for each model."""
    quantity, where = HEADLINES[task]
    lines = lines[lines["quantity"] == quantity]
    if where == "longest":
        where = longest(lines)
    return lines[lines["split_or_hidden"].astype(str) == where]


def _place(task: str, where: str) -> str:
    return f"{where} hidden pixels" if task == "complete" else where


def _best(quantity: str, lines: pd.DataFrame, column: str) -> pd.Series:
    """The line with the best value in ``column``; the first of a single one."""
    best = best_of(quantity, lines[column])
    return lines[lines[column] == best].iloc[0] if best is not None else lines.iloc[0]


def _published(quantity: str, lines: pd.DataFrame) -> str:
    known = lines.dropna(subset=["published"])
    if known.empty:
        return ""
    best = _best(quantity, known, "published")
    return f"{entry_of(best).published} ({best['model']})"
