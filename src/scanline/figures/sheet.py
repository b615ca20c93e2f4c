"""Many images on one sheet, pixel by pixel, ink on paper."""

import numpy as np

INK, PAPER, BETWEEN = 0, 255, 200  # grey values
SCALE = 4  # pixels of the sheet, each way, for one of an image


def sheet_of(images: np.ndarray) -> np.ndarray:
    """``images`` [N, rows, columns] in {0, 1} in a near square, row by row: uint8 grey [H, W]."""
    count, rows, columns = images.shape
    across = int(np.ceil(np.sqrt(count)))
    down = -(-count // across)
    sheet = np.full((down * (rows + 1) + 1, across * (columns + 1) + 1), BETWEEN, np.uint8)
    for i, image in enumerate(images):
        top, left = (i // across) * (rows + 1) + 1, (i % across) * (columns + 1) + 1
        sheet[top : top + rows, left : left + columns] = np.where(image > 0, INK, PAPER)
    return np.kron(sheet, np.ones((SCALE, SCALE), np.uint8))
