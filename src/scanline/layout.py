"""Where a stage's results lie: ``{data}/{task}/{variant}/seed-{seed}/{stage}/{file}``."""

from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """Which trained model a stage's file belongs to, and by which task."""

    data: str
    task: str
    model: str
    seed: int


def place_of(path: Path) -> Place:
    """What a path tells; ValueError for one that does not lie where stages write."""
    data, task, model, seed = path.parts[-6:-2] if len(path.parts) > 5 else ("",) * 4
    if not seed.startswith("seed-"):
        raise ValueError(f"{path} does not end in data/task/variant/seed-N/stage/{path.name}")
    return Place(data, task, model, int(seed.removeprefix("seed-")))
