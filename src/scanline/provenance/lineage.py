"""What each result was made from, as the records tell it.

A stage's inputs are files that other stages wrote, or raw data. A stage that another input was made
from is left out: a score reads a model and pixels, but is shown as made from the model, which is
shown as made from the pixels. Hashes are those of the files read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from scanline.provenance.record import NAME, Record

DIGITS = 8  # of a hash, enough to tell files apart by eye


class Lineage:
    """The stages of a study, by folder, and which of them were made from which."""

    def __init__(self, records: Mapping[Path, Record]):
        self.records = {record.folder: record for record in records.values()}
        self._maker = {
            f"{folder}/{name}": folder
            for folder, record in self.records.items()
            for name in (*record.outputs, NAME)
        }

    def makers(self, record: Record) -> dict[str, list[str]]:
        """The folders that a stage read from, each with the paths read; "" made the raw data."""
        read: dict[str, list[str]] = {}
        for path in record.inputs:
            read.setdefault(self._maker.get(path, ""), []).append(path)
        return read

    def ancestors(self, record: Record) -> dict[str, Record]:
        """All recorded stages that a stage was made from, directly or not, by folder."""
        found: dict[str, Record] = {}
        waiting = [record]
        while waiting:
            for folder in self.makers(waiting.pop()):
                if folder and folder not in found:
                    found[folder] = self.records[folder]
                    waiting.append(self.records[folder])
        return found

    def nearest(self, record: Record) -> dict[str, list[str]]:
        """``makers`` without those that another of them was made from."""
        read = self.makers(record)
        farther = {
            folder for maker in read if maker for folder in self.ancestors(self.records[maker])
        }
        kept = {f: paths for f, paths in read.items() if f not in farther and f}
        return kept or read

    def chains(self, record: Record) -> Iterator[str]:
        """``pixels/train.npz 1f2e3d4c → train/model.keras 5a6b7c8d``: one line for each chain.

        A file that has changed since it was read is marked ``(changed since)``.
        """
        for folder, paths in self.nearest(record).items():
            here = self._read(record, folder, paths)
            if not folder:
                yield here
                continue
            before = list(self.chains(self.records[folder])) or [""]
            yield from (f"{chain} → {here}" if chain else here for chain in before)

    def in_order(self) -> list[Record]:
        """The stages, each after all that it was made from."""
        return sorted(self.records.values(), key=lambda r: (len(self.ancestors(r)), r.folder))

    def _read(self, record: Record, folder: str, paths: list[str]) -> str:
        path = next((p for p in paths if p.endswith(".keras")), paths[0])
        digest = record.inputs[path]
        name = "/".join(PurePosixPath(path).parts[-2:])
        more = f" +{len(paths) - 1}" if len(paths) > 1 else ""
        maker = self.records.get(folder)
        now = maker.outputs.get(path.removeprefix(f"{folder}/"), digest) if maker else digest
        changed = " (changed since)" if now != digest else ""
        return f"{name} {digest[:DIGITS]}{more}{changed}"
