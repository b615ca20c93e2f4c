"""The trained models that come with the project: where they lie, which they are, their numbers.

A checkout has them in pretrained/; the wheel puts them, with figures.csv, into the package.
"""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from scanline.layout import Place, results_of

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = Path(__file__).resolve().parent
INSTALLED, CHECKOUT = PACKAGE / "pretrained", PACKAGE.parents[1]
LOOK_AHEAD = "look_ahead"  # the task of companions
DATA = "mnist-threshold-0.1"  # the study's pixels, which a name alone means


def pretrained() -> Path:
    """The folder of the trained models, {data}/{task}/{variant}/seed-{seed}/model.keras."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT / "pretrained"


def numbers() -> Path:
    """The table of the published numbers, those of the trained models among them."""
    folder = INSTALLED if INSTALLED.is_dir() else CHECKOUT / "docs/results"
    return folder / "figures.csv"


def places() -> list[Place]:
    """Of all models that come with the project, sorted; not of companions (``look_ahead_of``)."""
    found = (Place.of(path) for path in pretrained().glob("*/*/*/*/model.keras"))
    return sorted(place for place in found if place.task != LOOK_AHEAD)


def look_ahead_of(model: Path) -> Path | None:
    """model.keras of a next-pixel model's look-ahead, which lies beside it; None without one."""
    model = model.absolute()
    if not (place := Place.find(model)):
        return None
    results = results_of(model)
    beside = place._replace(task=LOOK_AHEAD)
    path = results / str(beside) / model.relative_to(results / str(place))
    return path if place.task == "predict" and path.is_file() else None


def models() -> "pd.DataFrame":
    """One line for each model that ``scanline.load`` knows by name, the best of its kind first.

    Columns: name, data, task, seed; nats_per_image of next-pixel models and accuracy (0 to 1) of
    classifiers, both on all test images; parameters.
    """
    import pandas as pd

    lines = pd.read_csv(numbers(), dtype={"split_or_hidden": str})
    lines = lines[lines["split_or_hidden"] == "test"]
    shown = {("predict", "nats_per_image"), ("classify", "accuracy")}
    lines = lines[[each in shown for each in zip(lines["task"], lines["quantity"], strict=True)]]
    keys = ["data", "task", "model", "seed"]
    measured = lines.pivot(index=keys, columns="quantity", values="value")
    measured["parameters"] = lines.groupby(keys)["n_parameters"].first().astype("Int64")
    index = pd.MultiIndex.from_tuples(places(), names=keys)
    table = measured.reindex(index).reset_index().rename(columns={"model": "name"})
    table["other"] = table["data"] != DATA
    by = {"other": True, "data": True, "task": False, "nats_per_image": True, "accuracy": False}
    table = table.sort_values(list(by), ascending=list(by.values()), ignore_index=True)
    columns = ["name", "data", "task", "seed", "nats_per_image", "accuracy", "parameters"]
    return table[columns].rename_axis(columns=None)


def find(name: str, task: str, data: str | None = None, seed: int | None = None) -> Path:
    """model.keras of the trained model of that name; ValueError, with what there is, without one.

    Without ``data`` it is the study's, without ``seed`` the first.
    """
    named = [place for place in places() if place.variant == name]
    if not named:
        known = sorted({place.variant for place in places()})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"model is {name!r}; allowed: {', '.join(known)}, the path of a model.keras or of its "
            f"folder, or an MLflow address (runs:/…, models:/…){hint}"
        )
    data = data or DATA
    wanted = [p for p in named if (p.task, p.data) == (task, data) and seed in (None, p.seed)]
    if not wanted:
        asked = f"task {task}, data {data}" + ("" if seed is None else f", seed {seed}")
        there = "; ".join(f"task {p.task}, data {p.data}, seed {p.seed}" for p in named)
        raise ValueError(f"{name} comes with no model of {asked}; there are: {there}")
    return pretrained() / str(wanted[0]) / "model.keras"
