"""Puts a finished study's trained models and numbers into the repository (``make publish``).

pretrained/{data}/{task}/{variant}/seed-{seed}/ gets model.keras, its learning curves (those by step
with every 50th step) and the record of its training; of a variant's seeds, the first one published.
docs/results/figures.csv gets the numbers of all, and of mixtures, beside those of other data sets,
seeds and models, and docs/results/posterior.csv the study's lines on holes. The pictures of
docs/results/, the tables of docs/results.md and the cards of all models in pretrained/ are renewed;
a next-pixel model's card has a picture of what it draws.
"""

import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from scanline.catalogue import look_ahead_of
from scanline.data.pixels import load_pixels
from scanline.evaluation.tables import trained_models
from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.hours import draw_hours
from scanline.figures.sampled import ACROSS
from scanline.figures.sheet import sheet_of
from scanline.inference.drawn_classes import sample_in_turn
from scanline.layout import Place
from scanline.models.loading import load_model, n_parameters
from scanline.models.predictor import load_predictor
from scanline.provenance.record import Record, records_in
from scanline.report import results as results_page
from scanline.report.publishing import (
    COLUMNS,
    PICTURE,
    PREDICT,
    Mixed,
    Trained,
    card_in,
    merged,
    merged_holes,
    published_numbers,
)
from scanline.study.config import PRETRAINED
from scanline.study.kept import name_of
from scanline.training.kinds import KINDS, task_of

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs/results"
FIGURES = RESULTS / "figures.csv"
HOLES = RESULTS / "posterior.csv"
COMPLETIONS = "figure-15-completion-300-c"  # samples that vary much
EVERY = 50  # steps
DRAWN = 40  # images of a card's picture


def main(*, results: Path = Path("results")) -> None:
    """Exits 1 with one line where the study is not finished, or is a small one.

    Args:
        results: the study's folder of results
    """
    try:
        tables = sorted(results.glob("*/tables/figures.csv"))
        holes = sorted(results.glob("*/posterior/table/posterior.csv"))
        if not tables and not holes:
            raise ValueError(f"{results} holds no tables/figures.csv; run the study first")
        for table in tables:
            publish(table)
        for table in holes:
            publish_holes(table)
        numbers = pd.read_csv(FIGURES, dtype={"split_or_hidden": str})
        write_cards(numbers)
        draw(numbers)
        results_page.write(ROOT / "docs/results.md", numbers)
    except (ValueError, OSError) as error:
        sys.exit(f"publish_results: {error}")
    print(f"{name_of(results)} is published")
    print(f"{len(numbers)} numbers are in {FIGURES.relative_to(ROOT)}")


def publish(table: Path) -> None:
    """One data set's models and numbers; ValueError where it used a part of the images."""
    data = table.parents[1]
    for record in records_in(data).values():
        part = record.settings.get("train_images") or (
            record.script.startswith("score_") and record.settings.get("images")
        )
        if part:
            raise ValueError(f"{record.folder} used {part} images of a split; publish whole ones")
    figures = pd.read_csv(table, dtype={"split_or_hidden": str})
    models = {name: published_model(data, name) for name in sorted(set(trained_models(figures)))}
    numbers = published_numbers(figures, models)
    before = pd.read_csv(FIGURES, dtype={"split_or_hidden": str}) if FIGURES.exists() else numbers
    all_numbers = merged(before.reindex(columns=COLUMNS), numbers, models)
    RESULTS.mkdir(parents=True, exist_ok=True)
    all_numbers.to_csv(FIGURES, index=False)
    for name, model in models.items():
        folder = PRETRAINED / data.name / name
        if isinstance(model, Trained) and model.anew and not other_seeds(folder):
            copy_training(data / name / "train", folder)
            older = look_ahead_of(folder / "model.keras")
            if older and Place.of(older).model not in models:  # it is of the weights before
                shutil.rmtree(older.parent)
        drawn = data / f"figures/images/{figure_names.by_class(Place.of(folder).variant)}.png"
        if drawn.is_file():
            shutil.copyfile(drawn, RESULTS / "by-class.png")
    picture = data / f"figures/completions/{COMPLETIONS}.png"
    if numbers["published"].notna().any() and picture.is_file():  # the report's own pixels
        shutil.copyfile(picture, RESULTS / "completions.png")


def other_seeds(folder: Path) -> bool:
    """Whether pretrained/ holds the model of ``folder`` as another seed trained it: one is kept."""
    return any(path.parent != folder for path in folder.parent.glob("*/model.keras"))


def write_cards(numbers: pd.DataFrame) -> None:
    """The card of every model in pretrained/, with what a next-pixel model draws from nothing."""
    for path in sorted(PRETRAINED.glob("*/*/*/*/model.keras")):
        folder = path.parent
        (folder / "README.md").write_text(card_in(folder, numbers))
        if Place.of(path).task == PREDICT and not (folder / PICTURE).is_file():
            model = load_predictor(path)
            drawn, _ = sample_in_turn(model, DRAWN, seed=0)
            images = drawn.reshape(DRAWN, model.pixels["rows"], -1)
            plt.imsave(folder / PICTURE, sheet_of(images, ACROSS), cmap="gray", vmin=0, vmax=255)


def draw(numbers: pd.DataFrame) -> None:
    """The figure of what likelihood costs, where next-pixel models were scored."""
    if not (numbers["quantity"] == "nats_per_image").any():
        return
    style.use()
    figure = draw_hours(numbers)
    figure.savefig(RESULTS / "hours.png", bbox_inches="tight")
    plt.close(figure)


def publish_holes(table: Path) -> None:
    """One data set's lines on holes, and the examples of its last model."""
    data, lines = table.parents[2], pd.read_csv(table)
    before = pd.read_csv(HOLES) if HOLES.exists() else lines.iloc[:0].assign(data="")
    RESULTS.mkdir(parents=True, exist_ok=True)
    merged_holes(before, lines, data.name).to_csv(HOLES, index=False)
    name = figure_names.posterior(lines["model"].iloc[-1])["examples"]
    picture = data / f"figures/posterior/{name}.png"
    if picture.is_file():
        shutil.copyfile(picture, RESULTS / "holes.png")


def published_model(data: Path, name: str) -> Trained | Mixed:
    """A model of the study of ``data``, or a mixture of such ones, which has no training."""
    if (data / name / "train").is_dir():
        return trained(data, name)
    mixed = Record.load(data / name / "score/run.json")
    return Mixed([trained(data, Place.of(path).model) for path in mixed.inputs])


def trained(data: Path, name: str) -> Trained:
    """A model of the study of ``data``, trained there or taken from pretrained/."""
    pixels = load_pixels(data / "pixels/train.npz")
    shipped = PRETRAINED / data.name / name / "training.json"
    training = Record.load(data / name / "train/run.json")
    if not training.script.startswith("train_"):  # taken
        training = Record.load(shipped)
    weights = training.outputs["model.keras"]
    anew = not shipped.is_file() or Record.load(shipped).outputs["model.keras"] != weights
    kind = KINDS[task_of(training.script)]
    model = load_model(data / name / "train/model.keras", kind.model_class, pixels.identity)
    return Trained(training, anew, len(pixels), n_parameters(model))


def copy_training(train: Path, folder: Path) -> None:
    """The model, its curves and its record."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PICTURE).unlink(missing_ok=True)  # of older weights
    for name in ("model.keras", "curve_by_epoch.csv"):
        shutil.copyfile(train / name, folder / name)
    steps = pd.read_csv(train / "curve_by_step.csv")
    steps[steps["step"] % EVERY == 0].to_csv(folder / "curve_by_step.csv", index=False)
    shutil.copyfile(train / "run.json", folder / "training.json")


if __name__ == "__main__":
    tyro.cli(main, prog="publish_results.py", description=__doc__)
