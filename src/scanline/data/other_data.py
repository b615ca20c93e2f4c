"""The mark of a model's results on other data than its own: which data it was trained on.

A table has it in a column, other files in their description, and whatever is made of them passes
it on. Results on a model's own data have no mark.
"""

from collections.abc import Container, Mapping
from typing import Protocol

MARK = "trained_on"


class HasPixels(Protocol):
    """A model, which says of which pixels it is."""

    pixels: dict


def mark(model: HasPixels, other_data: bool) -> dict[str, str]:
    """What marks a model's results, by its name; nothing unless they are of ``other_data``."""
    return {MARK: str(model.pixels["source"])} if other_data else {}


def mark_of(description: Mapping) -> dict[str, str]:
    """The mark of results that are described so, for what is made of them."""
    return {name: description[name] for name in mark_columns(description)}


def mark_columns(table: Container[str]) -> list[str]:
    """The columns of a table that mark its lines: one, or none."""
    return [MARK] if MARK in table else []
