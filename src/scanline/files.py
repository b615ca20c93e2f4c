"""Files that are whole or absent, and whose content can be named by a hash."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

PARTIAL = ".partial-"  # the start of an unfinished folder's name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder; what it holds at the end replaces ``folder``'s files of that name.

    Each file appears under its final name complete (one rename a file), and only when the block
    ends without an exception. What a killed process left of such a block is removed first, so that
    a folder has one writer at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder))
    try:
        yield partial
        for path in sorted(partial.rglob("*")):
            if path.is_file():
                target = folder / path.relative_to(partial)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_whole(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path`` in one rename, flushed to disk before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def save_arrays(path: Path, description: dict | None = None, **arrays: np.ndarray) -> None:
    """Writes named arrays, and a JSON ``description`` of what they are, to one .npz file."""
    np.savez_compressed(
        path, description=np.array(json.dumps(description or {})), allow_pickle=False, **arrays
    )


def load_arrays(path: Path, *names: str) -> tuple[dict[str, np.ndarray], dict]:
    """The named arrays of an .npz file, and its description.

    Nothing in the file is executed (``allow_pickle=False``). Raises ValueError where the file is
    not a whole .npz file or lacks one of ``names``.
    """
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            missing = [name for name in (*names, "description") if name not in file.files]
            if missing:
                held = ", ".join(sorted(file.files))
                raise ValueError(f"{path} has no array {missing[0]!r}; it holds {held}")
            arrays = {name: file[name] for name in names}
            return arrays, json.loads(str(file["description"]))
    except FileNotFoundError:
        raise
    except Exception as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path} is not a readable .npz file of arrays ({error})") from error
