"""How the figures look: one style, one colour for each variant in every figure, .png and .pdf.

Whoever draws calls ``use`` first; importing a module of figures changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

# Told apart with every common colour blindness (Okabe and Ito 2008), then darker shades of them.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#6A3D9A"),
    *("#004C77", "#8E3F00", "#00694D", "#884F6F", "#2A6F97", "#8A6000", "#7A7A7A", "#3F2260"),
)


def use() -> None:
    """Sets this style for all figures of this process, and draws to files, not to a screen."""
    matplotlib.use("Agg")
    matplotlib.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.dpi": 200,
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "pdf.fonttype": 42,  # text stays text
            "svg.hashsalt": "scanline",
        }
    )


def colour_of(variant: str, palette: Sequence[str]) -> str:
    """The colour of a variant, by its place in ``palette``, the names of all variants."""
    return COLOURS[list(palette).index(variant) % len(COLOURS)]


def save(figure: Figure, folder: Path, name: str) -> None:
    """Writes {name}.png and {name}.pdf, the same bytes for the same figure, and closes it."""
    figure.savefig(folder / f"{name}.png", bbox_inches="tight")
    figure.set_layout_engine("none")  # as the first file has it: laid out once
    figure.savefig(folder / f"{name}.pdf", bbox_inches="tight", metadata={"CreationDate": None})
    plt.close(figure)
