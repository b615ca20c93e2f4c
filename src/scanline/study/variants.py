"""What the variants of a config are told apart by, where tasks are not for all of them."""

from collections.abc import Mapping, Sequence

from scanline.data.order import RASTER


def mixtures(config: Mapping) -> dict[str, Sequence[str]]:
    """The variants that are mixtures of others, whose names they give; they are not trained."""
    variants = config["variants"].items()
    return {name: variant["mixture"] for name, variant in variants if "mixture" in variant}


def reading_labels(config: Mapping) -> set[str]:
    """The variants whose next-pixel models read the class that an image shows, or mix such ones."""
    reading = {name for name, variant in config["variants"].items() if variant.get("labels")}
    return reading | {name for name, members in mixtures(config).items() if reading & {*members}}


def turned(config: Mapping) -> dict[str, str]:
    """The variants whose next-pixel models read in another order than raster, and in which."""
    ways = {name: each.get("orientation", RASTER) for name, each in config["variants"].items()}
    return {name: way for name, way in ways.items() if way != RASTER}
