"""The tables of docs/results.md, written from the committed numbers.

A table stands between two comments, <!-- name --> and <!-- end -->, and is replaced as a whole.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.evaluation.intervals import standard_error
from scanline.evaluation.literature import OURS, beside_ours, over_seeds
from scanline.evaluation.words import QUANTITIES, TASKS
from scanline.study.config import SCHEMA

MIXTURES = "*-mixture"  # the names of those that are published; a target is for one model
TARGETS = SCHEMA.parents[2] / "docs/results/targets.csv"
REACHED: dict[str, Callable[[float, float], bool]] = {
    "below": lambda value, bound: value < bound,
    "at most": lambda value, bound: value <= bound,
    "at least": lambda value, bound: value >= bound,
}
COST = {"n_parameters": "{:,}", "n_images_presented": "{:,.0f}", "cpu_hours": "{:.1f}"}


def write(path: Path, numbers: pd.DataFrame) -> None:
    """Puts the tables of ``numbers`` (docs/results/figures.csv) into the page at ``path``."""
    for name, table in (("targets", targets(numbers)), ("literature", literature(numbers))):
        put(path, name, table)


def put(path: Path, name: str, table: str) -> None:
    """Puts a table between the comments of its name in the page at ``path``."""
    before, mark, rest = path.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (mark and end):
        raise ValueError(f"{path} has no place <!-- {name} --> … <!-- end --> for its table")
    path.write_text(before + mark + table + end + after)


def targets(numbers: pd.DataFrame) -> str:
    """What was wanted, what was measured, and whether that is enough, in Markdown.

    A target's model may be a pattern, and then the best model that it matches counts, mixtures left
    out. A number over several seeds is their mean. It counts only if no more images were presented
    than allowed.
    """
    rows = []
    for target in pd.read_csv(TARGETS, dtype={"split_or_hidden": str}).to_dict("records"):
        named = ["task", "data", "quantity", "split_or_hidden"]
        matching = numbers[(numbers[named] == [target[name] for name in named]).all(axis=1)]
        by_name = [
            fnmatchcase(name, target["model"]) and not fnmatchcase(name, MIXTURES)
            for name in matching["model"]
        ]
        matching = matching[np.array(by_name, bool)]
        means = matching.groupby("model")["value"].mean().sort_values()
        model = str(means.index[-1 if target["wanted"] == "at least" else 0]) if len(means) else ""
        label, unit, form, *_ = QUANTITIES[target["quantity"]]
        row = (
            model or target["model"].replace("*-", "best ").rstrip("*"),
            target["data"],
            f"{TASKS[target['task']]}: {', '.join(filter(None, (unit, label)))}",
            f"{target['wanted']} {form.format(target['bound'])}",
            *_reached(target, matching[matching["model"] == model], form),
        )
        rows.append([cell.replace("%", " %") for cell in row])
    columns = ["model", "data", "quantity", "wanted", "test", "report"]
    return markdown(rows, [*columns, "presented, millions", "reached"])


def _reached(target: dict, by_seed: pd.DataFrame, form: str) -> tuple[str, str, str, str]:
    """A target's measured number, the report's, the images presented, and the verdict."""
    if by_seed.empty:
        return "", "", "", "not measured"
    values = by_seed["value"].to_numpy()
    measured = with_error(values.mean(), standard_error(values), len(values), form)
    published, presented = by_seed["published"].iloc[0], by_seed["n_images_presented"].max()
    report = "" if np.isnan(published) else form.format(published)
    verdict = "yes" if REACHED[target["wanted"]](values.mean(), target["bound"]) else "no"
    if presented > target["max_images_presented"]:
        verdict = "no: more presented than the report's"
    return measured, report, f"{presented / 1e6:.3g}", verdict


def with_error(mean: float, standard_error: float, n_seeds: int, form: str) -> str:
    """A mean over seeds as tables show it, with its standard error where there are several."""
    shown = form.format(mean)
    return f"{shown} ± {form.format(standard_error)} ({n_seeds:g} seeds)" if n_seeds > 1 else shown


def literature(numbers: pd.DataFrame) -> str:
    """Our models beside other people's, one table for each data set, in Markdown."""
    parts = []
    for data, table in beside_ours(over_seeds(numbers)).items():
        quantity = QUANTITIES[table["quantity"].iloc[0]]
        rows = []
        for row in table.to_dict("records"):
            model = f"**{row['model']}**" if row["source"] == OURS else row["model"]
            cost = [_known(row[name], form) for name, form in COST.items()]
            error = row["standard_error"], row["n_seeds"]
            found = with_error(row["measured"], *error, quantity.form).replace("%", " %")
            rows.append((model, found, *cost, row["source"], row["caveat"]))
        columns = ["model", quantity.label, "parameters", "presented", "CPU-hours"]
        columns += ["source", "caveat"]
        parts.append(f"{data}:\n\n{markdown(rows, columns)}")
    return "\n".join(parts)


def _known(value: float, form: str) -> str:
    return "" if pd.isna(value) else form.format(value)


def markdown(rows: Sequence[Sequence[str]], columns: list[str]) -> str:
    """A table in Markdown, its cells as they are given."""
    table = pd.DataFrame(rows, columns=columns)
    return table.to_markdown(index=False, tablefmt="github", disable_numparse=True) + "\n"
