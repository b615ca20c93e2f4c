"""Files that are whole or absent, and whose content can be named by a hash."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

PARTIAL = ".partial-"  # the start of an unfinished folder's name
COMPLETE = f"{PARTIAL}complete"  # its name once all its files are whole
ASIDE = ("__MACOSX", "Thumbs.db", "desktop.ini")  # what systems leave beside a person's files


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is one that systems keep beside a person's own."""
    return name.startswith(".") or name in ASIDE


def files_below(folder: Path) -> list[Path]:
    """The files in a folder and its folders, sorted, but for hidden ones."""
    found = []
    for inside, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(inside, name) for name in files if not is_hidden(name)]
    return sorted(found)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, or of a folder's names and contents: 64 hexadecimal digits."""
    if path.is_dir():
        files = files_below(path)
        lines = (f"{sha256_of(each)} {each.relative_to(path).as_posix()}\n" for each in files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unused(start: Path) -> Path:
    """A path that begins like ``start`` and that no file has.

    What is made there is as readable as the user's files; tempfile's is its owner's alone.
    """
    return start.with_name(f"{start.name}{secrets.token_hex(8)}")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder; what it holds at the end replaces ``folder``'s files of that name.

    Each file appears under its final name complete (flushed to disk, then renamed), and only when
    the block ends without an exception. One rename, of the folder itself, decides: a block that was
    killed before it leaves nothing, and of one that was killed after it the next block of this
    folder first moves the other files to their places. Raises ValueError at once where another
    process is in such a block of this folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_writer(folder):
        _move_complete(folder)
        for left in folder.glob(f"{PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        partial = unused(folder / PARTIAL)
        partial.mkdir()
        try:
            yield partial
            for path in (*sorted(partial.rglob("*")), partial):
                _flush(path)
            os.replace(partial, folder / COMPLETE)
            _flush(folder)
            _move_complete(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _move_complete(folder: Path) -> None:
    """Moves the files of a complete batch to their places, where one is there."""
    complete = folder / COMPLETE
    if not complete.is_dir():
        return
    for path in [path for path in sorted(complete.rglob("*")) if path.is_file()]:
        target = folder / path.relative_to(complete)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    _flush(folder)
    shutil.rmtree(complete)


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Holds a lock of the folder itself, which leaves no file and ends with the process."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{folder} is written by another process; wait until it ends, or stop it"
            ) from error
        except OSError:  # a file system without such locks
            pass
        yield
    finally:
        os.close(handle)


def _flush(path: Path) -> None:
    """Flushes a file, or a folder's names, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Writes ``content`` to ``path`` in one rename, flushed to disk before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = unused(path.with_name(f".{path.name}."))
    try:
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def save_arrays(path: Path, description: dict | None = None, **arrays: np.ndarray | None) -> None:
    """Writes named arrays, and a JSON ``description`` of what they are, to one .npz file.

    Arrays that are None are left out.
    """
    told = np.array(json.dumps(description or {}))
    given = {name: array for name, array in arrays.items() if array is not None}
    np.savez_compressed(path, description=told, allow_pickle=False, **given)


def load_arrays(
    path: Path, *names: str, optional: Sequence[str] = ()
) -> tuple[dict[str, np.ndarray], dict]:
    """The named arrays of an .npz file, those of ``optional`` that it has, and its description.

    Nothing in the file is executed (``allow_pickle=False``). Raises ValueError where the file is
    not a whole .npz file or lacks one of ``names``.
    """
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            missing = [name for name in (*names, "description") if name not in file.files]
            if missing:
                held = ", ".join(sorted(file.files))
                raise ValueError(f"{path} has no array {missing[0]!r}; it holds {held}")
            there = [name for name in optional if name in file.files]
            arrays = {name: file[name] for name in (*names, *there)}
            return arrays, json.loads(str(file["description"]))
    except FileNotFoundError:
        raise
    except Exception as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path} is not a readable .npz file of arrays ({error})") from error
