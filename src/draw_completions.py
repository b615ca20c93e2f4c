"""Draws sampled completions (figures 7 to 15 and 19 to 23)."""

from pathlib import Path

import numpy as np
import pandas as pd

from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.completions import choose_digits, draw_mosaics
from scanline.figures.completions import draw_completions as draw_digit
from scanline.figures.pictures import INK, PAPER, pictures_of
from scanline.files import load_arrays
from scanline.layout import Place
from scanline.provenance.stage import main

SHOWN_SAMPLES = 5


def draw_completions(
    *, hidden: Path, samples: tuple[Path, ...], by_image: tuple[Path, ...], out: Path
) -> None:
    """Draws three digits for each hidden run with all models' samples, and all first samples.

    figures.completions.choose_digits chooses the digits, and digits.csv names them. Of a variant
    with several seeds, the first one given is drawn.

    Args:
        hidden: hidden.npz
        samples: samples.npz of the models, where the stage writes it
        by_image: by_image.csv of the models, where the stage writes it
        out: folder for figure-{number}-completion-{run}-{a|b|c}, figure-19-completion-truth,
            figure-{number}-completion-{variant} (.png and .pdf each) and digits.csv
    """
    style.use()
    arrays, description = load_arrays(hidden, "pixels", "indices")
    pixels, cut, runs = arrays["pixels"], description["cut"], sorted(description["hidden_runs"])
    columns = description["columns"]
    drawn: dict[str, np.ndarray] = {}
    for path in samples:
        drawn.setdefault(Place.of(path).variant, load_arrays(path, "samples")[0]["samples"])
    tables = [pd.read_csv(path) for path in by_image]
    chosen: list[dict] = []
    for run in (run for run in runs if run > 1):
        for letter, image in choose_digits(tables, run).items():
            rows = {
                model: pictures_of(
                    np.repeat(pixels[image][None], min(SHOWN_SAMPLES, values.shape[1]), axis=0),
                    cut,
                    run,
                    values[image, :SHOWN_SAMPLES],
                )
                for model, values in drawn.items()
            }
            truth = np.where(pixels[image] > 0, INK, PAPER)
            holed = pictures_of(pixels[image][None], cut, run)[0]
            figure = draw_digit(rows, truth, holed, columns)
            style.save(figure, out, figure_names.digits(run)[letter])
            chosen.append(
                {"hidden_run": run, "digit": letter, "index": int(arrays["indices"][image])}
            )
    pd.DataFrame(chosen, columns=["hidden_run", "digit", "index"]).to_csv(
        out / "digits.csv", index=False
    )
    style.save(
        draw_mosaics(
            {
                "ground truth": np.where(pixels > 0, INK, PAPER),
                "hidden": pictures_of(pixels, cut, max(runs)),
            },
            columns,
        ),
        out,
        figure_names.TRUTH,
    )
    for model, values in drawn.items():
        panels = {
            f"{run} hidden pixel{'s' * (run > 1)}": pictures_of(pixels, cut, run, values[:, 0])
            for run in runs
        }
        style.save(draw_mosaics(panels, columns), out, figure_names.first_samples(model))


if __name__ == "__main__":
    main(draw_completions)
