"""Fills holes in test images in several ways."""

import time
from pathlib import Path

import pandas as pd

from scanline.data.pixels import load_pixels, same_pixels
from scanline.files import load_arrays
from scanline.inference.forecast import save_forecasts
from scanline.inference.methods import methods
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def fill_holes(
    *,
    model: Path,
    train: Path,
    hidden: tuple[Path, ...],
    exact_pixels: int = 12,
    particles: int = 256,
    chains: int = 8,
    moves: int = 32,
    sweeps: int = 5,
    samples: int = 64,
    seed: int = 0,
    out: Path,
) -> None:
    """Writes {hole}.npz of each hole, what each method forecasts of the hidden pixels.

    seconds.csv: how long each took, the time to compile it included.

    Args:
        model: model.keras of a next-pixel model
        train: pixels that it was trained on
        hidden: {hole}.npz, images and what is hidden of them
        exact_pixels: the posterior of a hole of more hidden pixels is sampled, not enumerated
        particles: of sequential Monte Carlo, an image
        chains: of particle Gibbs and of Gibbs sampling, an image
        moves: of particle Gibbs, each on 16 hidden pixels that lie together
        sweeps: of Gibbs sampling, each over all hidden pixels
        samples: an image, of the prefix and of what is weighted
        seed: what the draws depend on
        out: folder for the files
    """
    training = load_pixels(train)
    predictor = load_predictor(model, training.identity)
    seconds = []
    for path in hidden:
        arrays, description = load_arrays(path, "hidden", "pixels")
        pixels, places = arrays["pixels"], arrays["hidden"]
        same_pixels(description, training.identity, f"{path}")
        ways = methods(
            predictor,
            training.pixels,
            places.shape[1],
            exact_pixels=exact_pixels,
            particles=particles,
            chains=chains,
            moves=moves,
            sweeps=sweeps,
            samples=samples,
            seed=seed,
        )
        forecasts = {}
        for method, forecast_of in ways.items():
            began = time.monotonic()
            forecasts[method] = forecast_of(pixels, places)
            taken = time.monotonic() - began
            seconds.append({"hole": path.stem, "method": method, "seconds": taken})
            print(f"{path.stem}, {method}: {len(pixels)} images in {taken:.0f} s", flush=True)
        save_forecasts(out / path.name, description, forecasts)
    pd.DataFrame(seconds).to_csv(out / "seconds.csv", index=False)


if __name__ == "__main__":
    main(fill_holes, gpu=True)
