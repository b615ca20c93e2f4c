"""The record of a stage, ``run.json``: what was computed, from what, by which code, and when.

It lies beside the results that it describes. ``make verify`` recomputes its hashes, the tracking
store is filled from it, and nothing that a result depends on reads it.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from scanline.files import PARTIAL, sha256_of
from scanline.provenance.code import SOURCE, code_hash, code_of, file_hash

NAME = "run.json"
LOCK = SOURCE.parent / "requirements.lock"
PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "matplotlib")


@dataclass
class Record:
    """One execution of one stage; every hash is a SHA-256, every path as it was given."""

    run_id: str
    script: str
    folder: str
    settings: dict
    code_sha256: str
    code: dict[str, str]
    inputs: dict[str, str]
    roles: dict[str, list[str]] = field(default_factory=dict)  # each input argument's paths
    outputs: dict[str, str] = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    started: str = ""
    seconds: float = 0.0
    computed: dict = field(default_factory=dict)  # what the stage tells of how it computed
    sha256: str = ""  # of all other fields; early records have none

    @classmethod
    def begin(
        cls, script: str, folder: Path, settings: Mapping, inputs: Mapping[str, list[Path]]
    ) -> "Record":
        """The record of a stage that starts now; hashes its inputs and its code.

        ``inputs`` gives the files of each of the script's arguments, in their order.
        """
        files = sorted({path for paths in inputs.values() for path in paths})
        return cls(
            run_id=uuid.uuid4().hex,
            script=script,
            folder=folder.as_posix(),
            settings=dict(sorted(settings.items())),
            code_sha256=code_hash(script),
            code={p.relative_to(SOURCE).as_posix(): file_hash(p) for p in code_of(script)},
            inputs={path.as_posix(): sha256_of(path) for path in files},
            roles={
                role: [path.as_posix() for path in paths] for role, paths in sorted(inputs.items())
            },
            environment=environment(),
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=-time.monotonic(),
        )

    @property
    def key(self) -> str:
        """A hash of all that the stage's result depends on: code, settings, inputs' content.

        An input counts by the argument that it was given for: two files that change places make
        another result.
        """
        content = {
            role: [self.inputs[path] for path in paths] for role, paths in self.roles.items()
        }
        named = [self.script, self.code_sha256, self.settings, content]
        return hashlib.sha256(json.dumps(named, sort_keys=True, default=str).encode()).hexdigest()

    def end(self, outputs: Path) -> None:
        """Hashes the files in ``outputs`` and writes the record among them."""
        self.seconds = round(self.seconds + time.monotonic(), 3)
        self.outputs = {
            path.relative_to(outputs).as_posix(): sha256_of(path)
            for path in sorted(outputs.rglob("*"))
            if path.is_file()
        }
        self.sha256 = self._sha256()
        (outputs / NAME).write_text(json.dumps(asdict(self), indent=2, default=str) + "\n")

    def moved(self, results: Path, folder: Path) -> "Record":
        """The record with paths as they are now that ``folder``, in ``results``, holds it.

        Where the results lay when it was written is told by its folder then. Paths outside them,
        of raw data say, stay as they were given.
        """
        within = folder.relative_to(results).as_posix()
        if not f"/{self.folder}".endswith(f"/{within}"):
            return self  # the stage's own folder was moved: another stage's, or none's
        before = self.folder.removesuffix(within)

        def now(path: str) -> str:
            inside = before and path.startswith(before)
            return f"{results.as_posix()}/{path.removeprefix(before)}" if inside else path

        return replace(
            self,
            folder=folder.as_posix(),
            inputs={now(path): digest for path, digest in self.inputs.items()},
            roles={role: [now(path) for path in paths] for role, paths in self.roles.items()},
        )

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Raises ValueError where ``path`` is not a record, or not as it was written."""
        try:
            record = cls(**json.loads(path.read_text()))
            found = record._sha256()
        except (ValueError, TypeError, AttributeError) as error:  # no JSON, other fields
            raise ValueError(f"{path} is not a stage's record ({error})") from error
        if record.sha256 and record.sha256 != found:
            raise ValueError(f"{path} was changed after it was written; make its stage anew")
        return record

    def _sha256(self) -> str:
        told = {name: value for name, value in asdict(self).items() if name != "sha256"}
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def records_in(results: Path, damaged: list[str] | None = None) -> dict[Path, Record]:
    """The records below ``results`` by their folder, sorted; work in progress has none.

    Their paths are as they are now, wherever the results have been moved since. A record that
    cannot be read raises ValueError, or is named in the list ``damaged`` where one is given.
    """
    if not results.is_dir():
        raise ValueError(f"{results} is not a folder of results; run the study first")
    found = {}
    for path in sorted(results.rglob(NAME)):
        if PARTIAL in path.as_posix():
            continue
        try:
            found[path.parent] = Record.load(path).moved(results, path.parent)
        except ValueError as error:
            if damaged is None:
                raise
            damaged.append(str(error))
    return found


def environment() -> dict:
    """Versions, lock file, revision and machine, as far as they can be told."""
    return {
        **versions(),
        "lock_sha256": sha256_of(LOCK) if LOCK.exists() else None,
        "revision": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Of Python and the packages that results may depend on."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages}


def _processor() -> str | None:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(SOURCE), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
