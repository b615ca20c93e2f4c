"""Draws exact in-paintings (figures 16 to 18)."""

from pathlib import Path

import numpy as np

from scanline.evaluation.words import QUANTITIES
from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.inpainting import draw_bulk_and_tail, draw_inpaintings
from scanline.figures.pictures import FILLED_PAPER, HIDDEN, INK, PAPER
from scanline.files import load_arrays
from scanline.provenance.stage import main

EXAMPLES = 8


def draw_inpainting(
    *, posterior: tuple[Path, ...], hidden: tuple[Path, ...], model: str, out: Path
) -> None:
    """Draws histograms of cross-entropies, and examples, for each kind of hole.

    The examples are the first images that are restored whole, then the first that are not.

    Args:
        posterior: {hole}.npz of a model
        hidden: {hole}.npz of the hidden patches, in the same order
        model: name of the variant
        out: folder for the figures that figures.names.inpainting names, .png and .pdf
    """
    style.use()
    for posterior_file, hidden_file in zip(posterior, hidden, strict=True):
        hole = posterior_file.stem
        found, _ = load_arrays(posterior_file, "log_likelihood_truth", "log_likelihood_map", "map")
        arrays, description = load_arrays(hidden_file, "pixels", "hidden", "indices")
        pixels, places = arrays["pixels"], arrays["hidden"]
        nats = {
            "ground truth": -found["log_likelihood_truth"] / pixels.shape[1],
            "in-painting": -found["log_likelihood_map"] / pixels.shape[1],
        }
        names = figure_names.inpainting(hole, model)
        colours = {"ground truth": style.COLOURS[6], "in-painting": style.COLOURS[1]}
        label = QUANTITIES["nats_per_pixel"].axis
        style.save(draw_bulk_and_tail(nats, label, colours), out, names["histogram"])
        lost = nats["ground truth"] - nats["in-painting"]
        label = "ground truth − in-painting (nats per pixel)"
        figure = draw_bulk_and_tail({model: lost}, label, {model: style.COLOURS[0]})
        style.save(figure, out, names["difference"])

        truth = np.take_along_axis(pixels, places, axis=1)
        whole = (found["map"] == truth).all(axis=1)
        right, wrong = np.flatnonzero(whole)[: EXAMPLES // 2], np.flatnonzero(~whole)
        shown = np.concatenate([right, wrong[: EXAMPLES // 2]])
        pictures = np.where(pixels[shown] > 0, INK, PAPER)
        holes, filled = pictures.copy(), pictures.copy()
        np.put_along_axis(holes, places[shown], HIDDEN, axis=1)
        np.put_along_axis(filled, places[shown], FILLED_PAPER + found["map"][shown], axis=1)
        titles = [
            f"image {arrays['indices'][image]}\n{'' if whole[image] else 'not '}restored"
            for image in shown
        ]
        figure = draw_inpaintings(pictures, holes, filled, titles, description["columns"])
        style.save(figure, out, names["examples"])


if __name__ == "__main__":
    main(draw_inpainting)
