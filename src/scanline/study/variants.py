"""What the variants of a config are told apart by, where tasks are not for all of them."""

from collections.abc import Mapping


def reading_labels(config: Mapping) -> set[str]:
    """The variants whose next-pixel models read the class that an image shows."""
    return {name for name, variant in config["variants"].items() if variant.get("labels")}
