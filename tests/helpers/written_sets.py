"""A small set of images, written as the files in which people have theirs."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from small_digits import grey_digits, png

from scanline.data.idx import write_idx

TRAINING, TEST = grey_digits(30, 12, seed=1), grey_digits(20, 12, seed=2)
CLASS_NAMES = ["zero", *"abcdefghi", "none"]  # of classes, the last of which no image shows


def write_idx_files(folder: Path, names: tuple[str, str, str, str], packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (*TRAINING, *TEST), strict=True):
        write_idx(folder / name, array)
        if packed:
            path = folder / name
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()


def write_npz(folder: Path, *names: str) -> None:
    folder.mkdir()
    arrays = (*TRAINING, *TEST)
    np.savez_compressed(folder / "data.npz", **dict(zip(names, arrays, strict=True)))


def write_table(folder: Path, separator: str, ending: str, header: bool = False) -> None:
    folder.mkdir()
    for split, (images, classes) in (("train", TRAINING), ("test", TEST)):
        rows = [
            separator.join(map(str, [*image.ravel(), label]))
            for image, label in zip(images, classes, strict=True)
        ]
        if header:
            rows.insert(0, separator.join([*map(str, range(144)), "label"]))
        (folder / f"digits_{split}.{ending}").write_text("\n".join(rows) + "\n")


def write_folders(folder: Path, names: str, splits: bool, classes: bool = True) -> dict:
    """A picture of each image, at split/class/; gives the label of each by its bytes."""
    written = {}
    for split, (images, labels) in (("train", TRAINING), ("test", TEST)):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            parts = [split] * splits + ([names[label]] if classes else [])
            path = folder.joinpath(*parts, f"{split}-{i}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(image))
            written[image.tobytes()] = label
    return written


def write_parquet(path: Path, images, labels, names: list[str] | None = None) -> None:
    """A file as the library datasets writes it, with the names of the classes where given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    table = pyarrow.table({"image": pictures, "label": labels})
    if names:
        feature = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        told = json.dumps({"info": {"features": feature}})
        table = table.replace_schema_metadata({"huggingface": told})
    pyarrow.parquet.write_table(table, path)


def write_parts(folder: Path) -> None:
    for part in range(3):
        images, labels = (each[part::3] for each in TRAINING)
        write_parquet(folder / f"train-{part:05}-of-00003.parquet", images, labels, CLASS_NAMES)
    write_parquet(folder / "test-00000-of-00001.parquet", *TEST, CLASS_NAMES)
