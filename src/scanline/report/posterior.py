"""The report's section on holes: one table a model, a line a hole and method."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from scanline.evaluation.words import METHODS

HEADINGS = {  # of posterior.csv's columns
    "nats_per_hidden_pixel": "nats per hidden pixel",
    "map_pixel_accuracy": "pixels right, most probable image",
    "marginal_pixel_accuracy": "pixels right, one by one",
    "map_whole_accuracy": "holes restored whole",
    "brier": "Brier score",
    "digit_accuracy": "digits read, most probable image",
    "sample_digit_accuracy": "digits read, a sample",
    "seconds_per_image": "seconds an image",
}


def lines_by_model(
    table: Path, pretrained: Collection[str]
) -> dict[str, list[tuple[str, str, list[str]]]]:
    """Of posterior.csv, by model: (hole and images, method, a number a heading), as shown.

    A hole is named in the first of its lines; models in ``pretrained`` are marked so.
    """
    shown: dict[str, list[tuple[str, str, list[str]]]] = {}
    last = ""
    for line in pd.read_csv(table).to_dict("records"):
        mark = " (pretrained)" if line["model"] in pretrained else ""
        hole = f"{line['hole']}, {line['n_images']:.0f} images"
        lines = shown.setdefault(f"{line['model']}{mark}", [])
        numbers = [_number(name, line[name]) for name in HEADINGS]
        first = "" if lines and hole == last else hole
        lines.append((first, METHODS[line["method"]], numbers))
        last = hole
    return shown


def _number(name: str, value: float) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.2g}" if name == "seconds_per_image" else f"{value:.4f}"
