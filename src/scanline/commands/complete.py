"""The verb ``complete``: your own image with a hole, from pictures to a picture."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scanline.commands.files import BEST, ends_in
from scanline.inference import budget

if TYPE_CHECKING:
    import numpy as np

    from scanline.data.fitting import Ink
    from scanline.data.image_files import Read
    from scanline.library import Completion, LoadedPredictor


def complete(
    *,
    image: Path,
    hidden: Path,
    out: Path,
    model: str = BEST,
    data: str | None = None,
    truth: Path | None = None,
    ink: Literal["auto", "light", "dark"] = "auto",
    samples: int = 16,
    exact_pixels: int = budget.EXACT_PIXELS,
    particles: int = budget.PARTICLES,
    runs: int = budget.RUNS,
    moves: int = budget.MOVES,
    block: int = budget.BLOCK,
    move_particles: int = budget.MOVE_PARTICLES,
    seed: int = 0,
    label: int | None = None,
) -> None:
    """Draw the hidden pixels of an image given all others, before and after: a picture, numbers.

    The posterior of a small hole is exact, and so are draws of a hole at the end of the image. Any
    other is sampled by sequential Monte Carlo. Where its particles are worth fewer independent
    draws than there are samples, each sample is then redrawn block by block.

    Args:
        image: a picture, or another file of one image as for score. A picture that has not the
            model's size is cropped, scaled and centred as MNIST's digits are, and written beside
            ``out`` as it was understood. What it shows at hidden pixels is not used.
        hidden: a picture of the model's size: white where a pixel is hidden, else black
        out: the picture, .png
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
        truth: the image without a hole, to be shown beside
        ink: light or dark; auto is what is not paper in a picture that is not of the model's size,
            and light in all else
        samples: completions to draw, at least 1
        exact_pixels: hidden pixels up to which the posterior is exact; the time doubles with each
        particles: particles of one run of sequential Monte Carlo
        runs: independent runs, at least 2; their spread gives the interval of log p(observed)
        moves: blocks that each sample draws anew, where the particles are worth too little
        block: hidden pixels of a block, which lie together
        move_particles: particles that draw a block anew
        seed: what the draws depend on
        label: the class that the image shows, of a model that reads labels; by default any
    """
    from scanline.files import write_whole
    from scanline.library import load

    ends_in(out, ".png")
    predictor = load(model, data=data)
    hole = _hole(hidden, predictor)
    (given,), fitted = _one_image(image, predictor, ink)
    shown = None if truth is None else _one_image(truth, predictor, ink).pixels
    done = predictor.complete(
        given,
        hole,
        samples=samples,
        seed=seed,
        exact_pixels=exact_pixels,
        particles=particles,
        runs=runs,
        moves=moves,
        block=block,
        move_particles=move_particles,
        label=label,
    )
    write_whole(out, _picture(done, shown))
    _report(done, f"{runs} runs of {particles} particles" if done.error else "exact")
    print(f"picture                      {out}")
    if fitted:
        understood = out.with_name(f"{out.stem}-understood.png")
        write_whole(understood, _black_on_white(given.reshape(predictor.size)))
        print(f"the image, as understood     {understood}")


def _hole(hidden: Path, predictor: "LoadedPredictor") -> "np.ndarray":
    """What a picture hides, bool [rows, columns]; ValueError, naming it, where that is none."""
    import numpy as np

    from scanline.data.picture import read_mask
    from scanline.holes.sets import as_hole

    mask = read_mask(hidden, *predictor.size)
    try:
        as_hole(np.flatnonzero(mask), mask.size)
    except ValueError as error:
        raise ValueError(f"{hidden}: {error}") from error
    return mask


def _one_image(path: Path, predictor: "LoadedPredictor", ink: "Ink") -> "Read":
    """The pixels of a file of one image, as the model wants them."""
    from scanline.data.image_files import read_pixels

    read = read_pixels(path, predictor.pixels, ink)
    if len(read.pixels) > 1:
        raise ValueError(f"{path} holds {len(read.pixels)} images; complete one at a time")
    return read


def _picture(done: "Completion", truth: "np.ndarray | None") -> bytes:
    """The image before and after, beside the ``truth`` where it is known, as a .png."""
    from scanline.figures import style

    style.use()
    picture = BytesIO()
    done.plot(truth).savefig(picture, format="png", bbox_inches="tight")
    style.plt.close()
    return picture.getvalue()


def _black_on_white(pixels: "np.ndarray") -> bytes:
    """One image as a .png of its own size."""
    from matplotlib.image import imsave

    picture = BytesIO()
    imsave(picture, 1 - pixels, format="png", cmap="gray", vmin=0, vmax=1)
    return picture.getvalue()


def _report(done: "Completion", how: str) -> None:
    """Prints the numbers of a completed image, and ``how`` p(observed) was found."""
    print(f"hidden pixels                {done.hidden.sum()}")
    found = (done.log_observed, *done.interval)
    observed, low, high = (f"{round(nats, 2) + 0.0:.2f}" for nats in found)  # 0.00, not -0.00
    sure = "" if not done.error else f"95 %: {low} to {high}; "
    print(f"log p(observed)              {observed} nats ({sure}{how})")
    print(f"method                       {done.method}")
    if not done.exact:
        print(f"effective sample size        {done.effective_sample_size:.1f}")
    print(f"log p(best image)            {done.log_likelihood.max():.2f} nats")
