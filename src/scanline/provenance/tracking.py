"""MLflow observes the study: trainings live, everything else sent from the files.

Files decide. The store's address comes from SCANLINE_TRACKING (``none``, or an MLflow URI), which
the Snakefile sets. A store that cannot be reached, or never answers, costs no result: a training
tells a process of its own, which talks with the store. One that never answers costs the seconds
that it is waited for, once before a study's trainings and once after each. ``send`` later adds what
is missing, and only that.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scanline.provenance.code import SOURCE
from scanline.provenance.record import Record, records_in
from scanline.provenance.registry import register
from scanline.provenance.store import (
    FOLDER,
    MANNERS,
    PARENT,
    RUN_ID,
    Store,
    address,
    alone,
    in_one_line,
)
from scanline.provenance.summary import summaries
from scanline.provenance.watcher import READY
from scanline.study.environment import ADDRESS, masked

__all__ = [  # the store's names among them, for whoever follows a study
    "ADDRESS",
    "FOLDER",
    "MANNERS",
    "PARENT",
    "RUN_ID",
    "address",
    "live",
    "open_store",
    "send",
    "shown_address",
]

STARTING = 120.0  # seconds that MLflow may take to be imported, on a busy machine
LAST_WORDS = 60.0  # seconds that a training which ended gives the store for what it has not heard
LAST_WORDS_OF_FAILURE = 2.0


def shown_address() -> str:
    """The store's address as it may be printed."""
    return masked(address())


def open_store(results: Path) -> str:
    """The id of the study's experiment in the store, whose tables and experiment are made if new.

    Several writers at once need this done before. Raises OSError, one line, where the store cannot
    be reached.
    """
    try:
        return Store(results).experiment
    except Exception as error:  # MLflow and its database drivers raise many kinds
        raise OSError(
            f"the tracking store {shown_address()} cannot be opened ({in_one_line(error)})"
        ) from error


@contextmanager
def live(record: Record) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """Follows a training: yields a function that logs an epoch's metrics. Never raises itself."""
    watch = _Watch(record)
    try:
        yield watch.log_epoch
    except BaseException:
        watch.end("FAILED", 0.0, LAST_WORDS_OF_FAILURE)
        raise
    watch.end("FINISHED", STARTING, LAST_WORDS)


def send(results: Path, tell: Callable[[], None] = lambda: None) -> int:
    """Sends what the store lacks of all records under ``results``; returns the runs it added to.

    Doing it twice changes nothing. Calls ``tell`` after each stage. Raises OSError where the store
    does not take all, ValueError where a record is damaged; the others are sent before that.
    """
    damaged: list[str] = []
    added = 0
    try:
        store = Store(results)
        with alone(results / "tracking" / "sending"):
            records = records_in(results, damaged)
            variants = summaries(records)
            for summary in variants:
                store.summarise(summary)
            runs: dict[Path, str] = {}
            for folder, record in records.items():
                runs[folder], lacked = store.complete(record, folder)
                added += lacked
                tell()
            register(store, variants, runs)
    except Exception as error:
        raise OSError(
            f"the tracking store {shown_address()} cannot be filled ({in_one_line(error)})"
        ) from error
    if damaged:
        raise ValueError(f"{added} stages sent; {'; '.join(damaged)}")
    return added


class _Watch:
    """One training's run while it goes on; silent, after one warning, once the store fails."""

    def __init__(self, record: Record):
        self.process: subprocess.Popen | None = None
        if address():
            paths = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
            try:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "scanline.provenance.watcher"],
                    env=os.environ | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # a pipe of the training's would outlive it
                    bufsize=0,
                    start_new_session=True,  # Ctrl-C is the training's, which says how it ended
                )
            except OSError as error:
                return self._warn(str(error).encode())
            self._tell(asdict(record))

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self._tell({"epoch": epoch, "metrics": dict(metrics)})

    def end(self, status: str, starting: float, seconds: float) -> None:
        """Waits so many seconds for the process to be there, then so many for the store."""
        self._tell({"end": status})
        if not (process := self.process):
            return
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdin = None
        select.select([process.stdout], [], [], starting)
        try:
            said = process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            return self._give_up(f"no answer in {seconds:.0f} s")
        if process.returncode:
            self._warn(said)
        self.process = None

    def _tell(self, message: dict[str, Any]) -> None:
        """Hands a line on without waiting: a process that does not read it in time is given up."""
        if not (process := self.process):
            return
        assert process.stdin
        os.set_blocking(process.stdin.fileno(), False)
        line = json.dumps(message, default=str).encode() + b"\n"
        try:
            if os.write(process.stdin.fileno(), line) < len(line):
                raise BlockingIOError
        except BlockingIOError:
            self._give_up("it is too slow")
        except BrokenPipeError:
            self._give_up("")

    def _give_up(self, reason: str) -> None:
        if process := self.process:
            process.kill()
            self._warn(reason.encode() or process.communicate()[0])
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError, AttributeError):
                    pipe.close()  # type: ignore[union-attr]
            process.wait()
            self.process = None

    def _warn(self, said: bytes) -> None:
        lines = [line for line in said.decode(errors="replace").splitlines() if line != READY]
        reason = lines[-1] if lines else "its observer ended"
        print(
            f"tracking: {shown_address()} does not answer ({reason}); the training goes on, "
            f"`make track` sends what is missing",
            file=sys.stderr,
        )
