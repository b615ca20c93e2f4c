"""Infers hidden patches from all other pixels, exactly."""

from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.other_data import mark
from scanline.evaluation.inpainting import inpainted, score_inpainting, truth_arrays
from scanline.files import load_arrays, save_arrays
from scanline.holes.named import inpainted_file
from scanline.holes.sets import as_hole
from scanline.inference.exact import exact_posterior
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def infer_patches(
    *, model: Path, hidden: tuple[Path, ...], other_data: bool = False, out: Path
) -> None:
    """Find the posterior of each hidden patch: {hole}.npz, scores.csv, optimal_inpaintings_*.npy.

    The .npy files hold the whole images, patches filled with their most probable completion: int8,
    images x pixels. A model that reads labels is not told them.

    Args:
        model: A trained model of the next pixel (model.keras).
        hidden: Images with hidden patches ({hole}.npz), one file for each size.
        other_data: The model was trained on other images, made alike; the table says on which.
        out: Folder for the files, which take the names of the holes.
    """
    scores = []
    for path in hidden:
        hole = path.stem
        arrays, description = load_arrays(path, "hidden", "pixels", "indices", optional=("labels",))
        pixels = arrays["pixels"]
        try:
            for places in arrays["hidden"]:
                as_hole(places, pixels.shape[1])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        predictor = load_predictor(model, description, other_data)
        predictor.check_raster("a hidden patch")
        posterior = exact_posterior(predictor, pixels, arrays["hidden"])
        save_arrays(
            out / f"{hole}.npz",
            description | mark(predictor, other_data),
            hidden=arrays["hidden"],
            indices=arrays["indices"],
            completions=posterior.completions,
            log_joint=posterior.log_joint,
            log_posterior=posterior.log_posterior,
            marginals=posterior.marginals,
            entropy_nats=posterior.entropy,
            **truth_arrays(pixels, posterior),
        )
        best = inpainted(pixels, posterior).astype(np.int8)
        np.save(out / inpainted_file(hole), best, allow_pickle=False)
        table = score_inpainting(pixels, posterior, hole)
        scores.append(table.assign(**mark(predictor, other_data)))
    pd.concat(scores).to_csv(out / "scores.csv", index=False)


if __name__ == "__main__":
    main(infer_patches, gpu=True)
