"""What a variant of config.yaml is made of, as config, scripts and models share it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from scanline.data.orientation import Way

Inputs = Literal["previous", "context"]


@dataclass(frozen=True)
class Architecture:
    """A recurrent stack.

    Attributes:
        cell: recurrent cell
        units: units of each layer
        layers: recurrent layers, one above the other
    """

    cell: str
    units: int
    layers: int


@dataclass(frozen=True)
class PredictorArchitecture(Architecture):
    """A recurrent stack, and what its steps read.

    Attributes:
        inputs: what a step reads, the previous pixel or its seen neighbourhood too
        radius: rows and columns that the neighbourhood reaches, of inputs context
        residual: each layer above the first reads the inputs too, and adds to what those below give
        readout_units: of a layer that reads the last outputs and the inputs, and gives the logit;
            0: none, the logit is linear in the last outputs
        labels: whether a step also reads the class that the image shows
        orientation: the order in which the pixels are read
    """

    inputs: Inputs = "previous"
    radius: int = 6  # the best on validation of those tried (docs/experiments.md)
    residual: bool = False
    readout_units: int = 0
    labels: bool = False
    orientation: Way = "raster"


EXTRAS = ("residual", "readout_units", "labels", "orientation")


def extras_of(settings: Mapping) -> dict[str, object]:
    """The options that make a next-pixel model more than a stack that reads pixels in raster order.

    Of a variant's ``settings``; one that is as it is without being named is left out.
    """
    plain = {each.name: each.default for each in fields(PredictorArchitecture)}
    given = {name: settings.get(name, plain[name]) for name in EXTRAS}
    return {name: value for name, value in given.items() if value != plain[name]}


@dataclass(frozen=True)
class LookAheadArchitecture:
    """The companion of a next-pixel model that also sees what is observed after a pixel.

    Attributes:
        meeting_units: units of each layer in which what is observed meets what was seen before
        row_units: units of the recurrence over rows, from the last to the first
        features: numbers that each pixel gets of that recurrence, and of the pixels around it
        radius: that of the variant; rows and columns that the seen neighbourhood reaches
    """

    meeting_units: int = 128
    row_units: int = 256
    features: int = 16
    radius: int = 6
