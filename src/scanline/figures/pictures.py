"""Pictures of binary images: ink, paper, what is hidden, and what a model filled in."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

# Values of a picture: observed paper and ink, hidden, filled-in paper and ink, between pictures.
PAPER, INK, HIDDEN, FILLED_PAPER, FILLED_INK, GAP = range(6)
COLOURS = ListedColormap(["#ffffff", "#111111", "#9a9a9a", "#fde7d3", "#c04a00", "#d8e2ea"])


def pictures_of(
    pixels: np.ndarray, cut: int, run: int, samples: np.ndarray | None = None
) -> np.ndarray:
    """Images [N, T] with ``run`` pixels from ``cut`` on hidden, or filled by ``samples`` [N, L].

    The models do not know what comes after the run, so it is shown as hidden too.
    """
    pictures = np.where(pixels > 0, INK, PAPER)
    pictures[:, cut:] = HIDDEN
    if samples is not None:
        pictures[:, cut : cut + run] = FILLED_PAPER + samples[:, :run]
    return pictures


def pictures_with(picture: np.ndarray, hidden: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A ``picture`` [T] whose ``hidden`` [k] pixels are filled with ``values`` [k]."""
    filled = picture.copy()
    filled[hidden] = FILLED_PAPER + values
    return filled


def colours_of(picture: np.ndarray) -> np.ndarray:
    """Red, green and blue of a picture [T]: [T, 3] in 0 to 1."""
    return COLOURS(picture)[:, :3]


def shaded(picture: np.ndarray, hidden: np.ndarray, p_ink: np.ndarray) -> np.ndarray:
    """Colours [T, 3] of a ``picture`` [T], its ``hidden`` [k] pixels shaded by ``p_ink`` [k]."""
    colours = colours_of(picture)
    paper, ink = colours_of(np.array([FILLED_PAPER, FILLED_INK]))
    colours[hidden] = paper + p_ink[:, None] * (ink - paper)
    return colours


def shaped(picture: np.ndarray, columns: int) -> np.ndarray:
    """A picture [T], or its colours [T, 3], as [rows, columns] or [rows, columns, 3]."""
    return picture.reshape(-1, columns, *picture.shape[1:])


def draw_rows(rows: dict[str, np.ndarray], titles: Sequence[str], columns: int) -> Figure:
    """Rows of pictures [N, T] or of their colours [N, T, 3], by name; ``titles`` stand above them.

    ``columns`` are those of an image.
    """
    across = len(titles)
    height = 1.02 * len(rows) * aspect(next(iter(rows.values())), columns)
    figure, panels = plt.subplots(
        len(rows), across, figsize=(0.95 * across + 0.8, height + 0.3),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes_row, (name, pictures) in zip(panels, rows.items(), strict=True):
        for axes, picture in zip(axes_row, pictures, strict=True):
            show(axes, shaped(picture, columns))
        axes_row[0].set_ylabel(name, fontsize=8)
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title, fontsize=8)
    return figure


def show(
    axes: Axes,
    picture: np.ndarray,
    colours: Colormap | str = COLOURS,
    limits: tuple[float, float] = (-0.5, 5.5),
) -> AxesImage:
    """Shows a picture [rows, columns], or its colours [rows, columns, 3], in a thin frame.

    ``limits``: the values at the ends of ``colours``.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.4)
    return axes.imshow(
        picture, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest"
    )


def aspect(pictures: np.ndarray, columns: int) -> float:
    """Rows for each column of pictures [N, T] or [N, T, 3]."""
    return pictures.shape[1] / columns**2
