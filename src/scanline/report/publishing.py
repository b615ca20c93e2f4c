"""What a finished study leaves in the repository: trained models with a card each, and its numbers.

Studies of other data sets, seeds or models publish into the same places, beside each other. A model
with new weights loses all its older numbers; a model that was published before keeps those that
this study did not measure.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.catalogue import LOOK_AHEAD
from scanline.data.other_data import MARK
from scanline.data.pixels import in_words
from scanline.evaluation.tables import KEYS, NUMBER_OF, trained_models
from scanline.layout import Place
from scanline.models.description import description_of
from scanline.provenance.record import Record
from scanline.report.results import markdown
from scanline.training.kinds import KINDS, task_of
from scanline.training.objectives import Score

COUNTED = "n_images_presented", "n_parameters", "cpu_hours"
COLUMNS = ["table", *KEYS, "value", "data", "seed", "n", "low", "high"]
COLUMNS += [*COUNTED, "published"]
NAMED_BY = ["data", *KEYS, "seed"]
ARCHITECTURE = (
    *("cell", "units", "layers", "inputs", "radius", "residual", "readout_units", "labels"),
    *("orientation", "gate_bias"),
    *("meeting_units", "row_units", "features"),  # of a look-ahead
)
INTERVALS = "\nIntervals are 95 %, by bootstrap over test images."
PREDICT = "predict"
PICTURE = "samples.png"
USED = {  # how a model is used, by its task
    "classify": """import scanline

model = scanline.load("{variant}", task="classify", data="{data}", seed={seed})
print(model.predict(images))  # 0 and 1, or grey values: [N, rows, columns]""",
    PREDICT: """import scanline

model = scanline.load("{variant}", data="{data}", seed={seed})
images = model.sample(10)  # 0 and 1: [10, rows, columns]
print(model.log_likelihood(images))  # nats""",
    LOOK_AHEAD: """import scanline

model = scanline.load("{variant}", data="{data}", seed={seed})
# The look-ahead comes with the model, and draws what completes large holes.
done = model.complete(image, hidden)  # image: 0 and 1, hidden: bool, [rows, columns]
print(done.marginals)  # p(ink)""",
}
DRAWN = f"""
![Images that the model drew]({PICTURE})

Images that the model drew from nothing (seed 0).
"""
CARD = """# {name}

| | |
|---|---|
| data | {data}; {pixels} |
| architecture | {architecture}; {parameters:,} parameters |
| recipe | {recipe} |
| training | {epochs} epochs, {presented:,} images presented |
| checkpoint | epoch {best}, by {selection}: {quantity} {nats:.5f}, accuracy {accuracy:.4f} |
| time, hardware | {cpu_hours:.1f} CPU-hours; {hardware} |
| revision | {revision}, TensorFlow {tensorflow} |

```python
{snippet}
```
{picture}
{figures}
The figures are of that checkpoint, on all images of a split.{intervals}
The test split was used once, after training.

Limits: the model is only for images made like these ({rows} x {columns} pixels, made alike:
{made}); loading it for others is refused. One seed does not tell how another training would
come out.
"""


class Trained(NamedTuple):
    """A trained model of a study: what its training's record says, and what it is."""

    training: Record
    anew: bool  # its weights are not those that pretrained/ holds
    n_images: int  # of the training split
    n_parameters: int  # trained ones

    @property
    def presented(self) -> int:
        """Images shown in training, each as often as it was."""
        settings = self.training.settings
        return (settings["train_images"] or self.n_images) * settings["epochs"]

    @property
    def cpu_hours(self) -> float:
        """Of its training; of one whose record does not tell them, those of the clock."""
        told = self.training.computed.get("cpu_seconds", self.training.seconds)
        return round(told / 3600, 3)


class Mixed(NamedTuple):
    """A mixture of trained models, which counts as all of them together."""

    members: Sequence[Trained]

    @property
    def anew(self) -> bool:
        """Whether the weights of any are new."""
        return any(each.anew for each in self.members)

    @property
    def presented(self) -> int:
        """Images shown in training."""
        return sum(each.presented for each in self.members)

    @property
    def n_parameters(self) -> int:
        """Trained ones."""
        return sum(each.n_parameters for each in self.members)

    @property
    def cpu_hours(self) -> float:
        """Of all their trainings."""
        return round(sum(each.cpu_hours for each in self.members), 3)


def published_numbers(figures: pd.DataFrame, models: Mapping[str, Trained | Mixed]) -> pd.DataFrame:
    """A study's figures.csv as it is published; ``models`` by {task}/{variant}/seed-{seed}.

    Raises ValueError where models on other data than their own are among them.
    """
    if MARK in figures:
        sources = ", ".join(sorted(set(figures[MARK].dropna())))
        raise ValueError(f"some numbers are of models of other data ({sources}); leave them out")
    names = trained_models(figures)
    return figures.rename(columns={"measured": "value"}).assign(
        n_images_presented=names.map({name: model.presented for name, model in models.items()}),
        n_parameters=names.map({name: model.n_parameters for name, model in models.items()}),
        cpu_hours=names.map({name: model.cpu_hours for name, model in models.items()}),
    )[COLUMNS]


def merged_holes(before: pd.DataFrame, table: pd.DataFrame, data: str) -> pd.DataFrame:
    """``before``, published lines on holes, with a study's posterior.csv of ``data`` in it.

    All older lines of its models on these data go.
    """
    new = table.assign(data=data)
    gone = (before["data"] == data) & before["model"].isin(set(table["model"]))
    return pd.concat([before[~gone], new]) if not gone.all() else new


def merged(
    before: pd.DataFrame, numbers: pd.DataFrame, models: Mapping[str, Trained | Mixed]
) -> pd.DataFrame:
    """``before`` with a study's published ``numbers`` in it, in the order of tasks and models.

    Of numbers with the same data, task, model, quantity, split_or_hidden and seed the new one
    stays. No older number of a model stays whose weights are new.
    """
    anew = {(data, name) for data in set(numbers["data"]) for name in models if models[name].anew}
    kept = [key not in anew for key in zip(before["data"], trained_models(before), strict=True)]
    both = pd.concat([before[kept], numbers]) if any(kept) else numbers
    both = both.drop_duplicates(NAMED_BY, keep="last")
    places = {task: place for place, task in enumerate(NUMBER_OF)}
    order = ["data", "place", "model", "seed"]
    placed = both.assign(place=both["task"].map(places).fillna(len(places)))
    return placed.sort_values(order, kind="stable")[COLUMNS].reset_index(drop=True)


def card_in(folder: Path, numbers: pd.DataFrame) -> str:
    """The card of a model that lies in pretrained/; ``numbers``: all published ones."""
    place = Place.of(folder)
    names = zip(numbers["data"], numbers["task"], trained_models(numbers), strict=True)
    mine = numbers[[name == (place.data, place.task, place.model) for name in names]]
    if mine.empty:
        raise ValueError(f"{folder} has no published numbers; publish the study that trained it")
    training = Record.load(folder / "training.json")
    pixels = description_of(folder / "model.keras")["config"]["pixels"]
    return card(place, training, pixels, pd.read_csv(folder / "curve_by_epoch.csv"), mine)


def card(
    place: Place, training: Record, pixels: Mapping, curve: pd.DataFrame, numbers: pd.DataFrame
) -> str:
    """The card of a model, Markdown; ``numbers``: the published ones of this model and task.

    ``pixels`` describes those that the model is for.
    """
    settings, environment = training.settings, training.environment
    best, score = best_epoch(curve, training.script)
    presented, parameters = (int(numbers[each].iloc[0]) for each in COUNTED[:2])
    rows = []
    for row in numbers.to_dict("records"):
        interval = "" if np.isnan(row["low"]) else f"{row['low']:.5f} to {row['high']:.5f}"
        rows.append((row["quantity"], row["split_or_hidden"], f"{row['value']:.5f}", interval))
    made = in_words(pixels)
    drew = place.task == LOOK_AHEAD
    seen = "learned from images that the model drew," if drew else "training split of"
    with_intervals = numbers["low"].notna().any()
    told = {*ARCHITECTURE, "epochs", "selection"}
    recipe = {key: value for key, value in settings.items() if key not in told}
    return CARD.format(
        name=place.model.replace("/", ", "),
        data=place.data,
        pixels=f"{made}; {seen} {presented // settings['epochs']:,} images",
        made=made,
        rows=pixels["rows"],
        columns=pixels["columns"],
        architecture=", ".join(
            f"{key} {settings[key]}" for key in ARCHITECTURE if settings.get(key)
        ),
        parameters=parameters,
        recipe=", ".join(f"{key} {value}" for key, value in recipe.items() if value is not None),
        epochs=settings["epochs"],
        presented=presented,
        best=best,
        selection=settings["selection"].replace("_", " "),
        quantity=KINDS[place.task].minimised.quantity
        + (" given the class" if settings.get("labels") else ""),
        nats=score.nats,
        accuracy=score.accuracy,
        cpu_hours=numbers["cpu_hours"].iloc[0],
        hardware=hardware(environment),
        revision=environment["revision"],
        tensorflow=environment["tensorflow"],
        snippet=USED[place.task].format(**place._asdict()),
        picture=DRAWN if place.task == PREDICT else "",
        intervals=INTERVALS if with_intervals else "",
        figures=markdown(rows, ["quantity", "split", "value", "interval"]),
    )


def best_epoch(curve: pd.DataFrame, script: str) -> tuple[int, Score]:
    """The epoch whose weights a training kept, and its held-out score; from curve_by_epoch.csv."""
    objective, best, kept = KINDS[task_of(script)].minimised, None, 0
    held_out = curve[curve["split"] != "train"]
    for epoch, rows in held_out.groupby("epoch"):
        values = dict(zip(rows["quantity"], rows["value"], strict=True))
        score = objective.score_in(values)
        if objective.is_better(score, best):
            best, kept = score, int(str(epoch))
    if best is None:
        raise ValueError("the learning curve has no held-out values; publish a whole training")
    return kept, best


def hardware(environment: Mapping) -> str:
    """In words, as far as a record tells."""
    processor = environment.get("processor") or environment["machine"]
    return f"one core of {environment['cores']}, {processor}"
