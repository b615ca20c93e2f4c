"""How frequent each class is: what a model that reads labels expects of an image without one."""

from collections.abc import Mapping, Sequence

import numpy as np

from scanline.data.pixels import PixelSet, classes_of

ROUNDING = 1e-6  # by which a prior may miss 1


def prior_of(images: PixelSet) -> tuple[float, ...]:
    """p(class) [K]: each class's share of the ``images``; ValueError where they have no labels."""
    if images.labels is None:
        raise ValueError(
            "the images have no labels, which a variant with labels: true reads; use labelled "
            "images, or set labels: false"
        )
    counts = np.bincount(images.labels, minlength=classes_of(images.description))
    return tuple((counts / len(images)).tolist())


def check_prior(prior: Sequence[float], pixels: Mapping) -> None:
    """Raises ValueError unless ``prior`` has a probability for each class of such ``pixels``."""
    if len(prior) != classes_of(pixels):
        raise ValueError(
            f"prior has {len(prior)} classes and the images have {classes_of(pixels)}; "
            "allowed: one probability for each class"
        )
    if min(prior) < 0 or abs(sum(prior) - 1) > ROUNDING:
        raise ValueError(f"prior is {list(prior)}; allowed: probabilities that add up to 1")
