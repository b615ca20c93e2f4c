"""Where a trained model's results lie: ``{data}/{task}/{variant}/seed-{seed}/{stage}/{file}``."""

from pathlib import Path, PurePath
from typing import NamedTuple

SEED = "seed-"
DEPTH = 4  # folders of a place


class Place(NamedTuple):
    """Which trained model results belong to, and by which task; ``str`` gives its folder.

    In rules the fields are wildcards in braces.
    """

    data: str
    task: str
    variant: str
    seed: int

    def __str__(self) -> str:
        return f"{self.data}/{self.model}"

    @property
    def model(self) -> str:
        """What names the model within a data set: {task}/{variant}/seed-{seed}."""
        return f"{self.task}/{self.variant}/{SEED}{self.seed}"

    @classmethod
    def of(cls, path: PurePath | str) -> "Place":
        """What the path of a folder or file in such a place tells; ValueError for another path."""
        if not (found := cls.find(path)):
            raise ValueError(f"{path} does not lie in data/task/variant/{SEED}N/")
        return found

    @classmethod
    def find(cls, path: PurePath | str) -> "Place | None":
        """``of``, or None where the path lies elsewhere."""
        if not (end := _end(path)):
            return None
        data, task, variant, seed = PurePath(path).parts[end - DEPTH : end]
        return cls(data, task, variant, int(seed.removeprefix(SEED)))


def results_of(path: PurePath | str) -> Path:
    """The folder of results that a path in such a place lies in; ValueError for another path."""
    Place.of(path)
    return Path(*PurePath(path).parts[: _end(path) - DEPTH])


def _end(path: PurePath | str) -> int:
    """How many parts a path has up to its last seed's folder; 0 where it has no such folder."""
    parts = PurePath(path).parts
    ends = [
        i + 1
        for i, part in enumerate(parts)
        if part.startswith(SEED) and part.removeprefix(SEED).isdecimal() and i + 1 >= DEPTH
    ]
    return ends[-1] if ends else 0
