"""The pictures that a figure shows."""

import numpy as np


def shown(figure) -> list[np.ndarray]:
    """The arrays that the panels of a figure show, without empty panels."""
    return [axes.get_images()[0].get_array().data for axes in figure.axes if axes.get_images()]
