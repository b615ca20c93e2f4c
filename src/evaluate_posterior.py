"""Fills holes in test images in several ways, and says how good each is."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.classifier import load_classifier
from scanline.command import main
from scanline.evaluation import digit_accuracy, reliability, scores
from scanline.files import load_arrays, save_arrays
from scanline.forecasts import methods
from scanline.pixels import load_pixels, same_pixels
from scanline.posterior import filled
from scanline.predictor import load_predictor


def evaluate_posterior(
    *,
    model: Path,
    classifier: Path,
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
    """Writes methods.csv (a line a hole and method), reliability.csv, and {hole}.npz of each hole.

    The method ``truth`` says how well the classifier reads the true images. Seconds include the
    time to compile a method.

    Args:
        model: model.keras of a next-pixel model
        classifier: model.keras of the classifier that reads completed images
        train: pixels that both were trained on
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
    reader = load_classifier(classifier, training.identity)
    lines, bins = [], []
    for path in hidden:
        arrays, description = load_arrays(path, "hidden", "pixels", "labels", "indices")
        pixels, places, labels = arrays["pixels"], arrays["hidden"], arrays["labels"]
        same_pixels(description, training.identity, f"{path}")
        truth = np.take_along_axis(pixels, places, axis=1)
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
        at = {"hole": path.stem, "method": "truth", "n_images": len(pixels)}
        lines.append(at | {"digit_accuracy": digit_accuracy(reader.log_probs(pixels), labels)})
        kept = {}
        for method, forecast_of in ways.items():
            began = time.monotonic()
            forecast = forecast_of(pixels, places)
            seconds = time.monotonic() - began
            print(f"{path.stem}, {method}: {len(pixels)} images in {seconds:.0f} s", flush=True)
            completed = {"digit_accuracy": forecast.best}
            if forecast.samples.shape[1]:
                completed["sample_digit_accuracy"] = forecast.samples[:, 0]
            lines.append(
                at
                | {"method": method, **scores(forecast, truth)}
                | {
                    name: digit_accuracy(reader.log_probs(filled(pixels, places, values)), labels)
                    for name, values in completed.items()
                }
                | {"seconds_per_image": seconds / len(pixels)}
            )
            table = reliability(forecast.marginals, truth)
            bins.append(table.assign(hole=path.stem, method=method))
            for name in ("best", "marginals", "samples"):
                kept[f"{method}_{name}"] = getattr(forecast, name)
        save_arrays(out / path.name, description | {"methods": list(ways)}, **kept)
    columns = ["hole", "method", "n_images", "nats_per_hidden_pixel", "map_pixel_accuracy"]
    columns += ["map_whole_accuracy", "brier", "digit_accuracy", "seconds_per_image"]
    columns += ["marginal_pixel_accuracy", "sample_digit_accuracy"]
    pd.DataFrame(lines)[columns].to_csv(out / "methods.csv", index=False)
    columns = ["hole", "method", "low", "high", "n_pixels", "p_ink", "ink"]
    pd.concat(bins)[columns].to_csv(out / "reliability.csv", index=False)


if __name__ == "__main__":
    main(evaluate_posterior, gpu=True)
