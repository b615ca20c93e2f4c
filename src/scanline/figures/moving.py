"""A moving picture of completions that are written into an image, pixel by pixel."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from scanline.figures.pictures import COLOURS, GAP, HIDDEN, INK, PAPER, pictures_with

STEP = 7  # pixels of an image between two frames
SHOWN, LAST = 60, 2500  # ms that a frame is shown, and the last one


def write_moving(
    path: Path, image: np.ndarray, hidden: np.ndarray, samples: np.ndarray, scale: int = 6
) -> None:
    """Writes a .gif: the image with its hole, and beside it S samples as they are filled in.

    ``image`` [rows, columns] in {0, 1}, ``hidden`` bool [rows, columns], ``samples`` [S, rows,
    columns]. A pixel is ``scale`` pixels of the picture wide.
    """
    observed = np.where(hidden, HIDDEN, np.where(image > 0, INK, PAPER)).ravel()
    places = np.flatnonzero(hidden)
    ends = [0, *(int(n) for n in range(STEP, len(places), STEP)), len(places)]
    frames = [
        [observed]
        + [pictures_with(observed, places[:end], each.ravel()[places[:end]]) for each in samples]
        for end in ends
    ]
    drawn = [_frame([each.reshape(image.shape) for each in frame], scale) for frame in frames]
    durations = [SHOWN] * (len(drawn) - 1) + [LAST]
    drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=durations, loop=0)


def _frame(pictures: Sequence[np.ndarray], scale: int) -> Image.Image:
    """Pictures [rows, columns] in one row, two pixels between them, enlarged."""
    apart = [np.pad(each, ((2, 2), (2, 0)), constant_values=GAP) for each in pictures]
    row = np.pad(np.concatenate(apart, axis=1), ((0, 0), (0, 2)), constant_values=GAP)
    frame = Image.fromarray(row.astype(np.uint8)).convert("P")
    frame = frame.resize((row.shape[1] * scale, row.shape[0] * scale), Image.Resampling.NEAREST)
    colours = (COLOURS(np.arange(COLOURS.N))[:, :3] * 255).round().astype(int)
    frame.putpalette(colours.ravel().tolist())
    return frame
