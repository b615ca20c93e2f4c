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
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from scanline.files import sha256_of
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
            started=datetime.now(UTC).isoformat(timespec="seconds"),
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
        (outputs / NAME).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Raises ValueError where ``path`` is not a record."""
        try:
            return cls(**json.loads(path.read_text()))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(f"{path} is not a stage's record ({error})") from error


def records_in(results: Path) -> dict[Path, Record]:
    """The records below ``results`` by their folder, sorted; work in progress has none."""
    if not results.is_dir():
        raise ValueError(f"{results} is not a folder of results; run the study first")
    paths = [path for path in results.rglob(NAME) if ".partial-" not in path.as_posix()]
    return {path.parent: Record.load(path) for path in sorted(paths)}


def environment() -> dict:
    """Versions, lock file, revision and machine, as far as they can be told."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "lock_sha256": sha256_of(LOCK) if LOCK.exists() else None,
        "revision": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain")),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


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
