"""The command ``scanline``: what a person does with trained models, without writing a program.

A verb imports what it needs when it runs, so that ``--help`` is quick.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from scanline.inference import budget

if TYPE_CHECKING:
    import pandas as pd

    from scanline.library import Completion

BEST = "gru-128-context"  # of next-pixel models, on the study's images
app = tyro.extras.SubcommandApp()


@app.command
def models() -> None:
    """List the trained models that come with the package, and how good they are on test images."""
    from scanline.catalogue import models

    shown = models().astype(object)
    print(shown.where(shown.notna(), "").to_markdown(index=False, floatfmt=".4f"))


@app.command
def score(
    *, images: tuple[Path, ...], out: Path, model: str = BEST, data: str | None = None
) -> None:
    """Write the log-likelihood of each image under a next-pixel model, in nats, to a CSV file.

    Args:
        images: files of images: .png, .npy, .npz (the array named images), idx files (also .gz);
            grey ones are made binary as the model's own images were
        out: the table, .csv: file, image (its number in the file), log_likelihood
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
    """
    import pandas as pd

    from scanline.data.image_files import read_pixels
    from scanline.library import load

    _ends_in(out, ".csv")
    predictor = load(model, data=data)
    parts = [
        _numbered(path, len(nats)).assign(log_likelihood=nats)
        for path in images
        for nats in [predictor.log_likelihood(read_pixels(path, predictor.pixels))]
    ]
    table = pd.concat(parts, ignore_index=True)
    _write_table(out, table)
    print(f"images                       {len(table)}")
    print(f"nats per image, the mean     {-table['log_likelihood'].mean():.2f}")
    print(f"table                        {out}")


@app.command
def sample(
    *, out: Path, model: str = BEST, data: str | None = None, count: int = 16, seed: int = 0
) -> None:
    """Draw new images from a next-pixel model: a picture of them, and beside it an .npz file.

    Args:
        out: the picture, .png; the images go to the same name with .npz, as the array images
            [count, rows, columns] in 0 and 1
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
        count: images to draw
        seed: what the draws depend on
    """
    from matplotlib.image import imsave

    from scanline.figures.sheet import sheet_of
    from scanline.files import save_arrays, whole_folder
    from scanline.library import load

    _ends_in(out, ".png")
    predictor = load(model, data=data)
    images = predictor.sample(count, seed)
    with whole_folder(out.parent) as folder:
        save_arrays(folder / f"{out.stem}.npz", {"model": model, "seed": seed}, images=images)
        imsave(folder / out.name, sheet_of(images), cmap="gray", vmin=0, vmax=255)
    print(f"picture                      {out}")
    print(f"images                       {out.with_suffix('.npz')}")


@app.command
def complete(
    *,
    image: Path,
    hidden: Path,
    out: Path,
    model: str = BEST,
    data: str | None = None,
    truth: Path | None = None,
    dark_on_light: bool = False,
    samples: int = 16,
    exact_pixels: int = budget.EXACT_PIXELS,
    particles: int = budget.PARTICLES,
    runs: int = budget.RUNS,
    moves: int = budget.MOVES,
    block: int = budget.BLOCK,
    move_particles: int = budget.MOVE_PARTICLES,
    seed: int = 0,
) -> None:
    """Draw the hidden pixels of an image given all others, before and after: a picture, numbers.

    The posterior of a small hole is exact. A larger one is sampled: by sequential Monte Carlo, then
    each sample is redrawn block by block.

    Args:
        image: PNG of the model's size, grey or black and white; made binary as the model's own
            images were. What it shows at hidden pixels is not used.
        hidden: PNG of the same size: white where a pixel is hidden, black where it is observed
        out: the picture, .png
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
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
    import numpy as np

    from scanline.data.binarise import binarised_as
    from scanline.data.png import read_intensities, read_mask
    from scanline.figures import style
    from scanline.files import write_whole
    from scanline.holes.sets import as_hole
    from scanline.library import load

    _ends_in(out, ".png")
    predictor = load(model, data=data)
    mask = read_mask(hidden, *predictor.size)
    try:
        as_hole(np.flatnonzero(mask), mask.size)
    except ValueError as error:
        raise ValueError(f"{hidden}: {error}") from error

    def binary(path: Path) -> np.ndarray:
        grey = read_intensities(path, *predictor.size)
        return binarised_as(predictor.pixels, 255 - grey if dark_on_light else grey)

    shown = None if truth is None else binary(truth)
    done = predictor.complete(
        binary(image),
        mask,
        samples=samples,
        seed=seed,
        exact_pixels=exact_pixels,
        particles=particles,
        runs=runs,
        moves=moves,
        block=block,
        move_particles=move_particles,
    )
    style.use()
    picture = BytesIO()
    done.plot(shown).savefig(picture, format="png", bbox_inches="tight")
    style.plt.close()
    write_whole(out, picture.getvalue())
    _report(done, "exact" if done.exact else f"{runs} runs of {particles} particles")
    print(f"picture                      {out}")


@app.command
def classify(
    *, images: tuple[Path, ...], out: Path, model: str = "gru-128", data: str | None = None
) -> None:
    """Write which digit each image shows, and how probable each class is, to a CSV file.

    Args:
        images: files of images, as for score
        out: the table, .csv: file, image (its number in the file), label, p_0 to p_9
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
    """
    import numpy as np
    import pandas as pd

    from scanline.data.image_files import read_pixels
    from scanline.library import load

    _ends_in(out, ".csv")
    classifier = load(model, task="classify", data=data)
    parts = []
    for path in images:
        p = np.exp(classifier.log_probs(read_pixels(path, classifier.pixels)))
        columns = {f"p_{label}": p[:, label] for label in range(p.shape[1])}
        parts.append(_numbered(path, len(p)).assign(label=p.argmax(axis=1), **columns))
    table = pd.concat(parts, ignore_index=True)
    _write_table(out, table)
    print(f"images                       {len(table)}")
    print(f"table                        {out}")


@app.command
def export(*, model: str, out: Path, task: str = "predict", data: str | None = None) -> None:
    """Write a model of Keras' own layers alone, which loads where this package is not.

    It reads the inputs of each step, [images, steps, numbers], and gives logits.

    Args:
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        out: the new .keras file
        task: predict or classify, where the model is a name
        data: the data set of the model, where it is a name that several have
    """
    from scanline.files import write_whole
    from scanline.library import path_of
    from scanline.models.export import stock_of

    path = path_of(model, task, data)
    if out.suffix != ".keras" or out.resolve() == path.resolve():
        raise ValueError(f"out is {out}; it must end in .keras and be another file than the model")
    exported = stock_of(path)
    with tempfile.TemporaryDirectory() as scratch:
        exported.save(Path(scratch, out.name))
        write_whole(out, Path(scratch, out.name).read_bytes())


@app.command
def study(
    *,
    folder: Path = Path(),
    configs: tuple[Path, ...] = (),
    cores: int | None = None,
    dry_run: bool = False,
) -> None:
    """Run the study of a checkout of the project with Snakemake: all that config.yaml describes.

    Args:
        folder: the checkout, which holds the Snakefile
        configs: files laid over config.yaml, for example workflow/presets/quick.yaml
        cores: processor cores to use; without it, all
        dry_run: print the plan, and run nothing
    """
    if not (folder / "Snakefile").is_file():
        raise ValueError(
            f"folder is {folder.resolve()}, which holds no Snakefile; the study needs a checkout "
            f"of the project (its git repository, or the sdist): go there, or name it by --folder"
        )
    if not importlib.util.find_spec("snakemake"):
        raise ValueError("the study needs Snakemake: pip install 'scanline[study]'")
    command = [sys.executable, "-m", "snakemake", "--resources", "gpu=1"]
    command += ["--cores", "all" if cores is None else str(cores)]
    if configs:
        command += ["--configfile", *(str(path.resolve()) for path in configs)]
    if dry_run:
        command.append("--dry-run")
    if status := subprocess.run(command, cwd=folder).returncode:
        sys.exit(status)


def main(arguments: list[str] | None = None) -> None:
    """Runs a verb on the command line's arguments; exits 1 with one line where it fails."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb = next((word for word in arguments if not word.startswith("-")), "")
    if verb != "study":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        app.cli(prog="scanline", description=_DESCRIPTION, args=arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"scanline {verb}: {error}")
    except KeyboardInterrupt:
        print(f"scanline {verb}: interrupted", file=sys.stderr)
        sys.exit(130)


_DESCRIPTION = "Score, sample, complete and classify images with trained models, pixel by pixel."


def _report(done: "Completion", how: str) -> None:
    """Prints the numbers of a completed image, and ``how`` p(observed) was found."""
    print(f"hidden pixels                {done.hidden.sum()}")
    print(f"log p(observed)              {done.log_observed:.2f} ± {done.error:.2f} nats ({how})")
    if not done.exact:
        print(f"effective sample size        {done.effective_sample_size:.1f}")
    print(f"log p(best image)            {done.log_likelihood.max():.2f} nats")


def _ends_in(out: Path, suffix: str) -> None:
    if out.suffix != suffix:
        raise ValueError(f"out is {out}; it must end in {suffix}")


def _numbered(path: Path, count: int) -> "pd.DataFrame":
    """The first columns of a table of a file's images."""
    import pandas as pd

    return pd.DataFrame({"file": str(path), "image": range(count)})


def _write_table(out: Path, table: "pd.DataFrame") -> None:
    from scanline.files import write_whole

    text = StringIO()
    table.to_csv(text, index=False)
    write_whole(out, text.getvalue().encode())
