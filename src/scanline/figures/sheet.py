"""Many images on one sheet, side by side."""

import numpy as np

INK, PAPER, BETWEEN = 0, 255, 200  # grey values
SCALE = 4  # pixels of the sheet, each way, for one of an image


def side_by_side(pictures: np.ndarray, across: int, between: int) -> np.ndarray:
    """Pictures [N, rows, columns], ``across`` in a row, with ``between`` in gaps of one pixel."""
    count, rows, columns = pictures.shape
    down = -(-count // across)
    shape = down * (rows + 1) + 1, across * (columns + 1) + 1
    sheet = np.full(shape, between, pictures.dtype)
    for i, picture in enumerate(pictures):
        top, left = (i // across) * (rows + 1) + 1, (i % across) * (columns + 1) + 1
        sheet[top : top + rows, left : left + columns] = picture
    return sheet


def sheet_of(images: np.ndarray, across: int | None = None) -> np.ndarray:
    """``images`` [N, rows, columns] in {0, 1}, ``across`` in a row: uint8 grey [H, W].

    Without ``across`` they form a near square.
    """
    grey = np.where(images > 0, INK, PAPER).astype(np.uint8)
    sheet = side_by_side(grey, across or int(np.ceil(np.sqrt(len(images)))), BETWEEN)
    return np.kron(sheet, np.ones((SCALE, SCALE), np.uint8))
