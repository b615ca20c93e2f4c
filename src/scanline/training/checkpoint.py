"""Checkpoints of a training: whole or absent, two generations, nothing in them is executed.

Each file is complete under its name (written aside, flushed, renamed), and says which training it
belongs to. Its zip checksums and the list of its arrays tell a damaged one. A damaged or foreign
one is set aside, and the one before is taken.
"""

import io
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from scanline.files import write_whole

GENERATIONS = 2
SET_ASIDE = ".set-aside"  # the end of a file's name that is not looked at again

Arrays = dict[str, np.ndarray]


class Checkpoints:
    """The checkpoints in ``folder``, numbered by step, of the training that ``of`` describes.

    ``of`` holds all that the training's result depends on, as JSON knows it.
    """

    def __init__(self, folder: Path, of: Any):
        self.folder = folder
        self.of = json.loads(json.dumps(of))

    def save(self, step: int, arrays: Arrays, description: dict[str, Any]) -> None:
        """Writes a checkpoint, then drops all but the last two.

        Raises OSError, one line, where it cannot be written; earlier ones stay as they are.
        """
        content = io.BytesIO()
        told = json.dumps([sorted(arrays), self.of, description])
        np.savez(content, description=np.array(told), allow_pickle=False, **arrays)
        path = self.folder / f"step-{step:09}.npz"
        try:
            write_whole(path, content.getvalue())
        except OSError as error:
            raise OSError(
                f"cannot write the checkpoint {path} ({error.strerror}); free some space, then the "
                f"same command goes on from {self._last_words()}"
            ) from error
        for old in self._paths()[:-GENERATIONS]:
            old.unlink()

    def load(self, restore: Callable[[Arrays, dict[str, Any]], None]) -> bool:
        """Restores the newest checkpoint that fits; whether there was one.

        ``restore`` takes its arrays and description, and raises ValueError or KeyError, before it
        changes anything, where they do not fit. Each one that does not is set aside, in one line.
        """
        passed_over = False
        for path in reversed(self._paths()):
            try:
                arrays, of, description = _read(path)
            except Exception as error:  # a damaged zip file raises many kinds
                self._set_aside(path, f"is damaged ({error})")
            else:
                try:
                    if of != self.of:
                        raise ValueError("other settings or images")
                    restore(arrays, description)
                    return True
                except (ValueError, KeyError) as error:
                    self._set_aside(path, f"belongs to another training ({error})")
            passed_over = True
        if passed_over:
            print("No checkpoint is left; the training starts anew.", file=sys.stderr)
        return False

    def _set_aside(self, path: Path, fault: str) -> None:
        aside = path.with_name(path.name + SET_ASIDE)
        with suppress(OSError):  # then it is looked at, and passed over, the next time too
            path.replace(aside)
        print(f"{path} {fault}; it is set aside as {aside.name}", file=sys.stderr)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.npz"))

    def _last_words(self) -> str:
        paths = self._paths()
        return f"step {int(paths[-1].stem.removeprefix('step-'))}" if paths else "the beginning"


def _read(path: Path) -> tuple[Arrays, Any, dict[str, Any]]:
    """A checkpoint's arrays, the training that it belongs to, and its description."""
    # Opened here, since NumPy leaves a damaged file open.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    names, of, description = json.loads(str(arrays.pop("description")))
    if sorted(arrays) != names:  # which no checksum covers
        raise ValueError("its arrays have other names")
    return arrays, of, description
