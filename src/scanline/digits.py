"""Pictures of binary images: ink, paper, what is hidden, and what a model filled in."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# Values of a picture: observed paper and ink, hidden, filled-in paper and ink, between pictures.
PAPER, INK, HIDDEN, FILLED_PAPER, FILLED_INK, GAP = range(6)
COLOURS = ListedColormap(["#ffffff", "#111111", "#9a9a9a", "#fde7d3", "#c04a00", "#d8e2ea"])
FRAME = "#0072B2"


def choose_digits(by_image: Sequence[pd.DataFrame], run: int) -> dict[str, int]:
    """Three images for a hidden run, by a rule over the models' by_image.csv tables.

    A is completed best (highest accuracy of the samples, mean over models), B worst, C has the
    samples that differ most (highest diversity), A and B excepted. Ties go to the lower image.
    The images are among those with ink to complete, where there are three: others are all paper,
    and trivially right.
    """
    tables = [table[table["hidden_run"] == run].set_index("image") for table in by_image]
    accuracy = pd.concat([table["accuracy"] for table in tables], axis=1).mean(axis=1)
    diversity = pd.concat([table["diversity"] for table in tables], axis=1).mean(axis=1)
    with_ink = diversity.index[diversity > 0.02]  # about one sampled pixel in fifty differs
    if len(with_ink) >= 3:
        accuracy, diversity = accuracy[with_ink], diversity[with_ink]
    images = accuracy.index.to_numpy()
    best, worst = int(images[accuracy.argmax()]), int(images[accuracy.argmin()])
    rest = diversity.drop([best, worst], errors="ignore")
    varied = int(rest.index.to_numpy()[rest.argmax()]) if len(rest) else best
    return {"a": best, "b": worst, "c": varied}


def pictures_of(
    pixels: np.ndarray, cut: int, run: int, samples: np.ndarray | None = None
) -> np.ndarray:
    """Images [N, T] with ``run`` pixels from ``cut`` on hidden, or filled from ``samples`` [N, L].

    What lies behind the run is not known to the models and is shown as hidden too.
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


def draw_completions(rows: dict[str, np.ndarray], truth: np.ndarray, hidden: np.ndarray) -> Figure:
    """One digit: a row a model, columns original, hidden and its samples.

    ``rows``: pictures [S, T] by model; ``truth`` and ``hidden`` are pictures [T].
    """
    samples = len(next(iter(rows.values())))
    titles = ["original", "hidden", *(f"sample {i + 1}" for i in range(samples))]
    return draw_rows(
        {model: np.stack([truth, hidden, *pictures]) for model, pictures in rows.items()}, titles
    )


def draw_mosaics(mosaics: dict[str, np.ndarray], across: int = 10) -> Figure:
    """Panels of many pictures [N, T] each, by title, ``across`` pictures a row."""
    columns = min(2, len(mosaics))
    rows = -(-len(mosaics) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(4.2 * columns, 4.4 * rows), squeeze=False, layout="constrained"
    )
    for axes in panels.flat[len(mosaics) :]:
        axes.set_axis_off()
    for axes, (title, pictures) in zip(panels.flat, mosaics.items(), strict=False):
        _show(axes, mosaic(pictures, across))
        axes.set_title(title, fontsize=9)
    return figure


def mosaic(pictures: np.ndarray, across: int) -> np.ndarray:
    """Pictures [N, T] side by side with a gap of one pixel: one array of rows and columns."""
    side = round(np.sqrt(pictures.shape[1]))
    down = -(-len(pictures) // across)
    sheet = np.full((down * (side + 1) + 1, across * (side + 1) + 1), GAP)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, across)
        top, left = row * (side + 1) + 1, column * (side + 1) + 1
        sheet[top : top + side, left : left + side] = picture.reshape(side, side)
    return sheet


def draw_inpaintings(
    truth: np.ndarray, hidden: np.ndarray, filled: np.ndarray, titles: Sequence[str]
) -> Figure:
    """Figure 18: rows of truth, hidden, in-painting; pictures [N, T], a column an image.

    A frame around the hidden patch, which may be one pixel, says where to look.
    """
    figure = draw_rows({"truth": truth, "hidden": hidden, "in-painting": filled}, titles)
    side = round(np.sqrt(hidden.shape[1]))
    for i, axes in enumerate(figure.axes):
        picture = hidden[i % len(hidden)].reshape(side, side)
        rows, columns = np.nonzero(picture == HIDDEN)
        corner = (int(columns.min()) - 2, int(rows.min()) - 2)
        width, height = int(np.ptp(columns)) + 4, int(np.ptp(rows)) + 4
        axes.add_patch(Rectangle(corner, width, height, fill=False, ec=FRAME, lw=0.9))
    return figure


def draw_rows(rows: dict[str, np.ndarray], titles: Sequence[str]) -> Figure:
    """Pictures [N, T] by the name of their row, side by side; ``titles``: of the columns.

    Pictures may also be given by their colours, [N, T, 3].
    """
    across = len(titles)
    figure, panels = plt.subplots(
        len(rows), across, figsize=(0.95 * across + 0.8, 1.02 * len(rows) + 0.3),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axes_row, (name, pictures) in zip(panels, rows.items(), strict=True):
        for axes, picture in zip(axes_row, pictures, strict=True):
            _show(axes, picture)
        axes_row[0].set_ylabel(name, fontsize=8)
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title, fontsize=8)
    return figure


def _show(axes: Axes, picture: np.ndarray) -> None:
    if picture.ndim == 1 or picture.shape[1] == 3:
        side = round(np.sqrt(len(picture)))
        picture = picture.reshape(side, side, *picture.shape[1:])
    axes.imshow(picture, cmap=COLOURS, vmin=-0.5, vmax=5.5, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.4)
