"""Puts a finished study's trained models and numbers into the repository (``make publish``).

pretrained/{data}/{task}/{variant}/seed-{seed}/ gets model.keras, its learning curves (by step:
every 50th), the record of its training and a card; docs/results/ gets every number, figures.csv,
and a picture.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import pandas as pd

from scanline.pixels import load_pixels
from scanline.record import Record
from scanline.study import PRETRAINED
from scanline.tables import trained_models

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs/results"
PICTURE = "figure-15-completion-300-c"  # samples that vary much
EVERY = 50  # steps
CARD = """# {variant}, {task}, seed {seed}

| | |
|---|---|
| data | {data}; polarity: {polarity} |
| architecture | {architecture} |
| recipe | {recipe} |
| presented | {images:,} training images, {hours:.1f} hours on one core ({machine}) |
| revision | {revision}, TensorFlow {tensorflow} |

{figures}

Figures are of the checkpoint with the best validation score, on all images of the split. The model
is for images made like these alone: 28 x 28, binarised so, ink = 1; others are refused.
"""


def main() -> None:
    """Exits 1 with one line where the study is not finished."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    given = parser.parse_args()
    tables = sorted(given.results.glob("*/tables/figures.csv"))
    if not tables:
        sys.exit(
            f"publish_results: {given.results} holds no tables/figures.csv; run the study first"
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    published = []
    for table in tables:
        data = table.parents[1]
        numbers = pd.read_csv(table)
        pixels = load_pixels(data / "pixels/train.npz")
        presented = {}
        for record in sorted(data.glob("*/*/seed-*/train/run.json")):
            training = Record.load(record)
            if not training.script.startswith("train_"):
                continue
            images = training.settings["train_images"] or len(pixels.labels)
            name = record.parents[1].relative_to(data).as_posix()
            presented[name] = images * training.settings["epochs"]
            folder = PRETRAINED / data.name / name
            publish(record.parent, folder, numbers, pixels.description, presented[name])
        numbers["n_images_presented"] = trained_models(numbers).map(presented)
        published.append(numbers)
        shutil.copyfile(data / f"figures/completions/{PICTURE}.png", RESULTS / "completions.png")
    columns = ["table", "task", "model", "quantity", "split_or_hidden", "value", "data", "seed"]
    columns += ["n", "n_images_presented", "published"]
    figures = pd.concat(published).rename(columns={"measured": "value"})[columns]
    figures.to_csv(RESULTS / "figures.csv", index=False)
    print(f"{len(figures)} numbers are in {RESULTS.relative_to(ROOT)}/figures.csv")


def publish(train: Path, folder: Path, numbers: pd.DataFrame, pixels: dict, images: int) -> None:
    """Copies one training's model, curves and record to ``folder``, and writes its card."""
    training = Record.load(train / "run.json")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.keras", "curve_by_epoch.csv"):
        shutil.copyfile(train / name, folder / name)
    steps = pd.read_csv(train / "curve_by_step.csv")
    steps[steps["step"] % EVERY == 0].to_csv(folder / "curve_by_step.csv", index=False)
    shutil.copyfile(train / "run.json", folder / "training.json")
    task, variant, seed = folder.parts[-3:]
    settings, environment = training.settings, training.environment
    shape = ("cell", "units", "layers", "inputs", "gate_bias")
    of_model = trained_models(numbers) == f"{task}/{variant}/{seed}"
    mine = numbers[of_model & (numbers["task"] == task)]
    lines = ["| quantity | split | value |", "|---|---|---|"]
    lines += [
        f"| {row.quantity} | {row.split_or_hidden} | {row.measured:.5f} |"
        for row in mine.itertuples()
    ]
    card = CARD.format(
        variant=variant,
        task=task,
        seed=settings["seed"],
        data=pixels["data"],
        polarity=pixels["polarity"],
        architecture=", ".join(f"{name} {settings[name]}" for name in shape if name in settings),
        recipe=", ".join(
            f"{name} {value}"
            for name, value in settings.items()
            if name not in (*shape, "seed") and value is not None
        ),
        images=images,
        hours=training.seconds / 3600,
        machine=environment["machine"],
        revision=environment["revision"],
        tensorflow=environment["tensorflow"],
        figures="\n".join(lines),
    )
    (folder / "README.md").write_text(card)


if __name__ == "__main__":
    main()
