"""Draws docs/results/completing.gif, the README's picture: an eight, its left half filled anew."""

import sys
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from scanline import library
from scanline.figures.moving import write_moving

SAMPLES = 6


def main(
    *, model: str = "gru-64-context", out: Path = ROOT / "docs/results/completing.gif"
) -> None:
    """Writes the picture.

    Args:
        model: what completes the image, as scanline.load takes it
        out: the .gif
    """
    image, hidden = (
        np.asarray(Image.open(ROOT / f"docs/example/{name}.png").convert("L")) > 127
        for name in ("eight", "left-half")
    )
    done = library.load(model).complete(image, hidden, samples=SAMPLES)
    write_moving(out, image, hidden, done.samples)


if __name__ == "__main__":
    tyro.cli(main, prog="draw_moving_picture.py", description=__doc__)
