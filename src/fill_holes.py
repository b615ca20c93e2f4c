"""Fills holes in test images by every method."""

import time
from pathlib import Path

import pandas as pd

from scanline.data.other_data import mark
from scanline.data.pixels import load_pixels, same_pixels
from scanline.files import load_arrays
from scanline.inference.forecast import save_forecasts
from scanline.inference.methods import Given, SamplerSettings, methods_for
from scanline.models.look_ahead import load_look_ahead
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def fill_holes(
    *,
    model: Path,
    look_ahead: Path | None = None,
    train: Path,
    hidden: tuple[Path, ...],
    settings: SamplerSettings,
    other_data: bool = False,
    out: Path,
) -> None:
    """Fill holes by every method: {hole}.npz, what each forecasts of the hidden pixels.

    seconds.csv says how long each method took, compiling included.

    Args:
        model: model.keras of a next-pixel model
        look_ahead: model.keras of its look-ahead, where it has one
        train: pixels that it was trained on
        hidden: {hole}.npz, images and what is hidden of them
        settings: how the holes are filled
        other_data: the model was trained on other images, made alike; the files say on which
        out: folder for the files
    """
    training = load_pixels(train)
    predictor = load_predictor(model, training.identity, other_data)
    companion = load_look_ahead(look_ahead, predictor) if look_ahead else None
    orientation, seconds = predictor.orientation, []
    as_read = orientation.turned(training.pixels)
    for path in hidden:
        arrays, description = load_arrays(path, "hidden", "pixels")
        pixels, places = arrays["pixels"], arrays["hidden"]
        same_pixels(description, training.identity, f"{path}")
        turned = orientation.turned(pixels), orientation.turned_hole(places)
        given = Given(predictor, as_read, *turned, companion)
        forecasts = {}
        for method in methods_for(given, settings):
            began = time.monotonic()
            found = method.forecast(given, settings)
            forecasts[method.name] = found.turned_back(orientation, places[: len(found.best)])
            taken = time.monotonic() - began
            seconds.append({"hole": path.stem, "method": method.name, "seconds": taken})
            count = len(forecasts[method.name].best)
            print(f"{path.stem}, {method.name}: {count} images in {taken:.0f} s", flush=True)
        save_forecasts(out / path.name, description | mark(predictor, other_data), forecasts)
    table = pd.DataFrame(seconds).assign(**mark(predictor, other_data))
    table.to_csv(out / "seconds.csv", index=False)


if __name__ == "__main__":
    main(fill_holes, gpu=True)
