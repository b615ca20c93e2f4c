"""What is measured: implementations, and how much of each inference task."""

from typing import NamedTuple

SIDE = 28  # pixels
CUT = 484  # the first sampled pixel; 300 follow
SAMPLES = 10  # an image


NAMES = {  # of implementations
    "scanline": "scanline",
    "keras": "Keras",
    "torch": "PyTorch",
    "before": "scanline before",
}


class Task(NamedTuple):
    images: int  # sequences, where they are sampled
    whole: int  # what the task consists of, in ``unit``s
    part: int  # what is measured of its straightforward form
    unit: str

    def measured(self, implementation: str) -> int:
        """How many units are measured: all of them of this project's form."""
        return self.whole if implementation == "scanline" else self.part

    def extrapolated_from(self, implementation: str) -> str:
        """What was measured, in words, where it is not the whole."""
        measured = self.measured(implementation)
        return f"{measured:,} of {self.whole:,} {self.unit}" if measured < self.whole else ""


TASKS = {
    "likelihood": Task(10_000, 10_000, 1024, "images"),
    "sampling": Task(1000, 300, 4, "pixels"),
    "inpainting": Task(1000, 1000, 64, "images"),
}
