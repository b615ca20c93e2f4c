"""Measures how far sequential Monte Carlo can be believed."""

from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.pixels import load_pixels
from scanline.evaluation.calibration import (
    chi_square,
    errors_by_particles,
    ranks_of_truth,
    simulate,
)
from scanline.holes.hiding import hide
from scanline.holes.named import hidden_sets
from scanline.models.look_ahead import load_look_ahead
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def calibrate_posterior(
    *,
    model: Path,
    look_ahead: Path | None = None,
    test: Path,
    holes: tuple[str, ...],
    simulated: tuple[str, ...],
    cut: int,
    draws: int,
    bins: int,
    draw_particles: int,
    images: int,
    particles: tuple[int, ...],
    runs: int,
    seed: int,
    out: Path,
) -> None:
    """Calibration by simulated images, and errors on real ones: four tables.

    ranks.csv and calibration.csv: where the truth lies in the posterior of images drawn from the
    model, whether it lies there uniformly, and bound_gap, the median distance of a lower and an
    upper bound of log p(observed), nats. errors.csv: of log p(observed) and of the marginals
    against particles and seconds. effective_sample_size.csv: by step.

    Args:
        model: a trained model of the next pixel (model.keras)
        look_ahead: its look-ahead (model.keras), where it has one
        test: pixels that it has never seen
        holes: names of the holes whose errors are measured
        simulated: names of the holes for which images are drawn
        cut: where a run begins
        draws: images drawn from the model for a hole
        bins: ranks from 0 to bins - 1
        draw_particles: particles of each drawn image
        images: test images for a hole
        particles: numbers of particles to measure, the largest is the reference for large holes
        runs: independent runs of each number
        seed: what images and draws depend on
        out: folder for the tables
    """
    pixel_set = load_pixels(test)
    predictor = load_predictor(model, pixel_set.identity)
    companion = load_look_ahead(look_ahead, predictor) if look_ahead else None
    orientation = predictor.orientation
    shape = pixel_set.description["rows"], pixel_set.description["columns"]
    ranks, tests = [], []
    for hole in simulated:
        hidden = hidden_sets(hole, *shape, images=draws, cut=cut, seed=seed)
        places = orientation.turned_hole(hidden)
        drawn = simulate(predictor, places, draw_particles, seed, companion)
        found = ranks_of_truth(predictor, drawn, bins, seed)
        ranks.append(found.assign(hole=hole, particles=draw_particles))
        gap = float(np.median(drawn.bound_gap))
        tested = chi_square(found, bins).assign(hole=hole, particles=draw_particles)
        tests.append(tested.assign(bound_gap=gap))
        print(f"{hole}: {draws} images drawn from the model, and filled", flush=True)
    errors, sizes = [], []
    for hole in holes:
        chosen = hide(pixel_set, hole, images=images, cut=cut, seed=seed)
        pixels = orientation.turned(pixel_set.pixels[chosen.indices])
        places = orientation.turned_hole(chosen.hidden)
        error, size = errors_by_particles(
            predictor, pixels, places, particles, runs, seed, companion
        )
        errors.append(error.assign(hole=hole))
        sizes.append(size.assign(hole=hole))
        print(f"{hole}: {runs} runs of each number of particles", flush=True)
    names = ("ranks", "calibration", "errors", "effective_sample_size")
    for name, parts in zip(names, (ranks, tests, errors, sizes), strict=True):
        table = pd.concat(parts)
        table.insert(0, "hole", table.pop("hole"))
        table.to_csv(out / f"{name}.csv", index=False)


if __name__ == "__main__":
    main(calibrate_posterior, gpu=True)
