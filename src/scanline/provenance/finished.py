"""Finished stages, kept by key, so that none is computed twice.

The key is a hash of the script's code, its arguments, the content of the files among them, and the
versions of the packages. What a stage wrote stays in ``results/.finished/{stage}/{key}/``, by hard
links, which take no room while the same files are results. When a stage is asked for whose key is
known, its files are put in place instead of computed. DVC calls this a run cache
(dvc.org/doc/user-guide); Snakemake's own cache knows a file by its origin, not by its content.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from scanline.files import PARTIAL, sha256_of, unused, whole_folder
from scanline.provenance.code import code_hash
from scanline.provenance.record import NAME, Record, versions

FOLDER = ".finished"
RECORD = "record.json"  # only results have a file of the name run.json
LARGEST = 4 << 30  # bytes of stages that are no present results
LONG_AGO = 1.0  # seconds since 1970
NO_INPUTS = ("--out", "--checkpoints")


def key_of(script: str, arguments: Sequence[str]) -> str:
    """What names the result of a script's command line: 64 hexadecimal digits."""
    told = []
    hash_of = cache(sha256_of)  # a source's path is a setting and an input
    for flag, argument in zip(("", *arguments), arguments, strict=False):
        if flag not in NO_INPUTS:
            path = Path(argument)
            told.append(hash_of(path) if path.exists() else argument)
    named = [script, code_hash(script), versions(), told]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


class Finished:
    """The stages that a folder of results has finished."""

    def __init__(self, results: Path):
        self.results = results
        self.folder = results / FOLDER

    def keep(self, key: str, out: Path) -> None:
        """Keeps the stage in ``out``, which has just ended; the oldest stages make room for it."""
        record = Record.load(out / NAME)
        stage = self.folder / out.relative_to(self.results)
        try:
            partial = unused(stage / PARTIAL)
            partial.mkdir(parents=True)
            try:
                for name in record.outputs:
                    _link(out / name, partial / name)
                _link(out / NAME, partial / RECORD)
                shutil.rmtree(stage / key, ignore_errors=True)
                partial.rename(stage / key)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            self._make_room()
        except OSError as error:
            print(f"{out} is not kept for later runs ({error})", file=sys.stderr)

    def put_back(self, key: str, out: Path, written: float | None = None) -> bool:
        """Puts the stage of that key into ``out``; whether it was there, and sound.

        Its files are as if ``written`` then, in seconds since 1970; None means now. A stage that is
        damaged is dropped, with one line.
        """
        kept = self.folder / out.relative_to(self.results) / key
        if not kept.is_dir():
            return False
        try:
            record = Record.load(kept / RECORD)
            if any(sha256_of(kept / name) != digest for name, digest in record.outputs.items()):
                raise ValueError("its content has changed")
        except (OSError, ValueError) as error:
            print(f"{kept} is damaged and dropped ({error})", file=sys.stderr)
            shutil.rmtree(kept, ignore_errors=True)
            return False
        os.utime(kept)
        with whole_folder(out) as partial:
            for name in record.outputs:
                _link(kept / name, partial / name)
            _link(kept / RECORD, partial / NAME)
            for path in partial.rglob("*"):
                os.utime(path, None if written is None else (written, written))
        return True

    def put_back_missing(self, planned: Iterable[Path]) -> list[Path]:
        """Puts back the last version of each stage without a record; gives the files put back.

        ``planned`` are the study's files, relative to the results. Snakemake removes a stage's
        results before the stage begins; where it then fails, its last good results are better than
        none. They look older than all that they were made from, so that the next run makes them
        anew. A stage without inputs, which could not look older than any, is left out.
        """
        put_back: list[Path] = []
        for stage in sorted({path.parent for path in planned if path.name == NAME}):
            out = self.results / stage
            kept = sorted((self.folder / stage).glob(f"*/{RECORD}"), key=_time, reverse=True)
            if (out / NAME).exists() or not kept:
                continue
            record = json.loads(kept[0].read_text())
            if record["inputs"] and self.put_back(kept[0].parent.name, out, written=LONG_AGO):
                put_back += [out / name for name in (*record["outputs"], NAME)]
        return put_back

    def _make_room(self) -> None:
        """Drops the oldest stages while those that are no present results take too much room."""
        kept = sorted(self.folder.rglob(RECORD), key=_time)
        sizes = {path.parent: _own_bytes(path.parent) for path in kept}
        room = LARGEST - sum(sizes.values())
        for folder, size in sizes.items():
            if room >= 0:
                return
            if size:
                shutil.rmtree(folder, ignore_errors=True)
                room += size


def _own_bytes(folder: Path) -> int:
    """The bytes of a folder's files that no present result is a name of, too."""
    found = (path.stat() for path in folder.rglob("*") if path.is_file())
    return sum(each.st_size for each in found if each.st_nlink == 1)


def _time(record: Path) -> float:
    """When a stage was kept, or put back last."""
    return record.parent.stat().st_mtime


def _link(source: Path, target: Path) -> None:
    """A second name of a file, or a copy where the file system has no such links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
