"""Completes an image of one's own; a command for a person, no part of the study."""

import os
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

from scanline.data.binarise import binarised_as
from scanline.data.png import read_intensities, read_mask
from scanline.figures import style
from scanline.figures.one_image import draw_completed
from scanline.files import write_whole
from scanline.holes.sets import as_hole
from scanline.inference.one_image import Completed, complete_by_sampling, complete_exactly
from scanline.models.predictor import load_predictor


def complete_image(
    *,
    image: Path,
    hidden: Path,
    model: Path,
    out: Path,
    truth: Path | None = None,
    dark_on_light: bool = False,
    samples: int = 16,
    exact_pixels: int = 12,
    particles: int = 256,
    runs: int = 8,
    moves: int = 40,
    block: int = 16,
    move_particles: int = 16,
    seed: int = 0,
) -> None:
    """Draw the hidden pixels of an image given all others, before and after: a picture, numbers.

    The posterior of a small hole is exact. A larger one is sampled: by sequential Monte Carlo, then
    each sample is redrawn block by block.

    Args:
        image: PNG of the model's size, grey or black and white; made binary as the model's own
            images were. What it shows at hidden pixels is not read.
        hidden: PNG of the same size: white where a pixel is hidden, black where it is observed
        model: a next-pixel model (model.keras), or its folder
        out: the picture, .png
        truth: PNG of the image without a hole, to be shown beside
        dark_on_light: the image is ink on paper (the models' are light on dark)
        samples: completions to draw, at least 1
        exact_pixels: hidden pixels up to which the posterior is exact; the time doubles with each
        particles: particles of one run of sequential Monte Carlo
        runs: independent runs, at least 2; the error of log p(observed) comes from their spread
        moves: blocks that each sample draws anew
        block: hidden pixels of a block, which lie together
        move_particles: particles that draw a block anew
        seed: what the draws depend on
    """
    if out.suffix != ".png":
        raise ValueError(f"out is {out}; it must end in .png")
    for name, value, least in (("samples", samples, 1), ("runs", runs, 2), ("moves", moves, 0)):
        if value < least:
            raise ValueError(f"{name} is {value}; allowed: {least} and above")
    predictor = load_predictor(model / "model.keras" if model.is_dir() else model)
    shape = predictor.pixels["rows"], predictor.pixels["columns"]
    mask = read_mask(hidden, *shape)
    try:
        places = as_hole(np.flatnonzero(mask), mask.size)
    except ValueError as error:
        raise ValueError(f"{hidden}: {error}") from error
    pixels = {
        name: binarised_as(predictor.pixels, 255 - grey if dark_on_light else grey).ravel()
        for name, path in (("image", image), ("truth", truth))
        if path is not None
        for grey in [read_intensities(path, *shape)]
    }
    exact = len(places) <= exact_pixels
    if exact:
        done = complete_exactly(predictor, pixels["image"], places, samples, seed)
    else:
        done = complete_by_sampling(
            predictor,
            pixels["image"],
            places,
            samples,
            particles,
            tqdm(range(runs), "runs", disable=None),
            tqdm(range(moves), "moves", disable=None),
            block,
            move_particles,
            seed,
        )
    style.use()
    figure = draw_completed(pixels["image"], done, shape[1], pixels.get("truth"))
    content = BytesIO()
    figure.savefig(content, format="png", bbox_inches="tight")
    style.plt.close(figure)
    write_whole(out, content.getvalue())
    report(done, "exact" if exact else f"{runs} runs of {particles} particles")
    print(f"picture                      {out}")


def report(done: Completed, how: str) -> None:
    """Prints the numbers of a completed image, and ``how`` p(observed) was found."""
    observed = f"{done.log_observed:.2f} ± {done.log_observed_error:.2f} nats ({how})"
    print(f"hidden pixels                {len(done.hidden)}")
    print(f"log p(observed)              {observed}")
    if np.isfinite(done.effective_sample_size):
        print(f"effective sample size        {done.effective_sample_size:.1f}")
    print(f"log p(best image)            {done.log_likelihood.max():.2f} nats")


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        tyro.cli(complete_image, prog="complete_image.py")
    except (ValueError, OSError) as error:
        sys.exit(f"complete_image: {error}")
