"""The verbs that go from files to files: ``score``, ``sample``, ``classify``."""

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

    from scanline.data.image_files import Read

BEST = "gru-128-context"  # of next-pixel models, on the study's images


def score(
    *,
    images: tuple[Path, ...],
    out: Path,
    model: str = BEST,
    data: str | None = None,
    ink: Literal["auto", "light", "dark"] = "auto",
    other_data: bool = False,
) -> None:
    """Write the log-likelihood of each image under a next-pixel model, in nats, to a CSV file.

    Args:
        images: files of images: .png, .npy, .npz (the array named images), idx files (also .gz);
            grey ones are made binary as the model's own images were, and pictures that have not
            the model's size are cropped, scaled and centred
        out: the table, .csv: file, image (its number in the file), log_likelihood
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
        ink: light or dark; auto is what is not paper in a picture that is not of the model's size,
            and light in all else
        other_data: a study's pixels may be of other data than the model, made alike; the column
            trained_on says which the model's are
    """
    import pandas as pd

    from scanline.data.image_files import read_pixels
    from scanline.data.other_data import mark
    from scanline.library import load

    ends_in(out, ".csv")
    predictor = load(model, data=data)
    parts = []
    for path in images:
        read = read_pixels(path, predictor.pixels, ink, other_data)
        nats = predictor.log_likelihood(read.pixels)
        parts.append(_numbered(path, read).assign(log_likelihood=nats))
    table = pd.concat(parts, ignore_index=True).assign(**mark(predictor, other_data))
    _write_table(out, table)
    print(f"images                       {len(table)}")
    print(f"nats per image, the mean     {-table['log_likelihood'].mean():.2f}")
    print(f"table                        {out}")


def sample(
    *,
    out: Path,
    model: str = BEST,
    data: str | None = None,
    count: int = 16,
    seed: int = 0,
    label: int | None = None,
) -> None:
    """Draw new images from a next-pixel model: a picture of them, and beside it an .npz file.

    Args:
        out: the picture, .png; the images go to the same name with .npz, as the array images
            [count, rows, columns] in 0 and 1
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
        count: images to draw
        seed: what the draws depend on
        label: the class of all images, of a model that reads labels; by default of any
    """
    from matplotlib.image import imsave

    from scanline.figures.sheet import sheet_of
    from scanline.files import save_arrays, whole_folder
    from scanline.library import load

    ends_in(out, ".png")
    predictor = load(model, data=data)
    images = predictor.sample(count, seed, label)
    with whole_folder(out.parent) as folder:
        save_arrays(folder / f"{out.stem}.npz", {"model": model, "seed": seed}, images=images)
        imsave(folder / out.name, sheet_of(images), cmap="gray", vmin=0, vmax=255)
    print(f"picture                      {out}")
    print(f"images                       {out.with_suffix('.npz')}")


def classify(
    *,
    images: tuple[Path, ...],
    out: Path,
    model: str = "gru-128",
    data: str | None = None,
    ink: Literal["auto", "light", "dark"] = "auto",
    other_data: bool = False,
) -> None:
    """Write which class each image is of, and how probable each class is, to a CSV file.

    Args:
        images: files of images, as for score
        out: the table, .csv: file, image (its number in the file), label, p_0, p_1 and so on
        model: a name (see: scanline models), a model.keras or its folder, or an MLflow address
        data: the data set of the model, where it is a name that several have
        ink: as for score
        other_data: as for score; the classes must be the model's
    """
    import numpy as np
    import pandas as pd

    from scanline.data.image_files import read_pixels
    from scanline.data.other_data import mark
    from scanline.library import load

    ends_in(out, ".csv")
    classifier = load(model, task="classify", data=data)
    parts = []
    for path in images:
        read = read_pixels(path, classifier.pixels, ink, other_data, classes=True)
        p = np.exp(classifier.log_probs(read.pixels))
        columns = {f"p_{label}": p[:, label] for label in range(p.shape[1])}
        parts.append(_numbered(path, read).assign(label=p.argmax(axis=1), **columns))
    table = pd.concat(parts, ignore_index=True).assign(**mark(classifier, other_data))
    _write_table(out, table)
    print(f"images                       {len(table)}")
    print(f"table                        {out}")


def ends_in(out: Path, suffix: str) -> None:
    """Raises ValueError unless the file to be written has that ending."""
    if out.suffix != suffix:
        raise ValueError(f"out is {out}; it must end in {suffix}")


def _numbered(path: Path, read: "Read") -> "pd.DataFrame":
    """The first columns of a table of a file's images; tells where a picture was fitted."""
    import pandas as pd

    if read.fitted:
        print(f"cropped, scaled and centred  {path}")
    return pd.DataFrame({"file": str(path), "image": range(len(read.pixels))})


def _write_table(out: Path, table: "pd.DataFrame") -> None:
    from scanline.files import write_whole

    text = StringIO()
    table.to_csv(text, index=False)
    write_whole(out, text.getvalue().encode())
