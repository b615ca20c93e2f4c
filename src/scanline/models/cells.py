"""The recurrent cells by name: gates in Keras' order, states, and what their biases can do.

To add one: an entry here, its layer in ``models.layers``; for speed, its equations in kernel/.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Cell(NamedTuple):
    """Of one cell. ``keep`` and ``copy`` name gates, each with the sign that its bias then has."""

    gates: tuple[str, ...]  # columns of the weights, ``units`` wide each
    states: tuple[str, ...]  # what a layer carries to the next step; its output comes first
    keep: Mapping[str, int]  # large biases of these signs keep the state that comes last
    copy: Mapping[str, int]  # these let the output depend on only the current input


CELLS = {
    "gru": Cell(("z", "r", "h"), ("h",), {"z": 1}, {"z": -1}),
    "lstm": Cell(("i", "f", "c", "o"), ("h", "c"), {"i": -1, "f": 1}, {"f": -1, "i": 1}),
}


def check() -> None:
    """Raises ValueError, naming the file to edit, where a cell has no layer, or a layer no cell."""
    tree = ast.parse(Path(__file__).with_name("layers.py").read_text())
    tables = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS"
    ]
    layers = {str(ast.literal_eval(key)) for table in tables for key in table.keys if key}  # type: ignore[attr-defined]
    for name in CELLS.keys() - layers:
        raise ValueError(f"src/scanline/models/layers.py: LAYERS lacks {name!r}, a cell; add it")
    for name in layers - CELLS.keys():
        raise ValueError(f"src/scanline/models/cells.py: CELLS lacks {name!r}, a layer; add it")


def cell_of(name: str) -> Cell:
    """The cell of that name; ValueError for another name."""
    if name not in CELLS:
        raise ValueError(f"cell is {name!r}; allowed: {', '.join(CELLS)}")
    return CELLS[name]
