"""Checkpoints of a training: whole or absent, two generations, nothing in them is executed.

A folder belongs to one training and one set of all that it depends on; whoever names the folder
sees to that. Each file is complete under its name (written aside, flushed, renamed). Its zip
checksums and the list of its arrays tell a damaged one, in place of which the one before is taken.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from scanline.files import write_whole

GENERATIONS = 2


class Checkpoints:
    """The checkpoints in ``folder``, numbered by step."""

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, step: int, arrays: dict[str, np.ndarray], description: dict[str, Any]) -> None:
        """Writes a checkpoint, then drops all but the last two.

        Raises OSError, one line, where it cannot be written; earlier ones stay as they are.
        """
        content = io.BytesIO()
        told = json.dumps([sorted(arrays), description])
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

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest checkpoint that is whole: its arrays and its description; None without one."""
        for path in reversed(self._paths()):
            try:
                # Opened here, since NumPy leaves a damaged file open.
                with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
                    arrays = {name: content[name] for name in content.files}
                names, description = json.loads(str(arrays.pop("description")))
                if sorted(arrays) != names:  # which no checksum covers
                    raise ValueError("its arrays have other names")
                return arrays, description
            except Exception as error:  # a damaged zip file raises many kinds
                print(f"{path} is damaged ({error}); it is passed over", file=sys.stderr)
        return None

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("step-*.npz"))

    def _last_words(self) -> str:
        paths = self._paths()
        return f"step {int(paths[-1].stem.removeprefix('step-'))}" if paths else "the beginning"
