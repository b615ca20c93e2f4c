"""Processes that measure: made ready one by one, told to begin together, and summed.

A process prints "ready" once it has done its work once, waits for a line, and prints what it does a
second and its peak memory (timed.py).
"""

import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

Measurement = tuple[float, float]  # a second (images, or operations); peak MiB
CORES = len(os.sched_getaffinity(0))
# Processes, and threads of each.
ARRANGEMENTS = {"one process": (1, CORES), "a process for each core": (CORES, 1)}


class NotReadyError(RuntimeError):
    """A process ended, or said something else, before it was ready."""


def rate(command: Sequence[str], processes: int, threads: int, checkout: Path) -> Measurement:
    """What ``processes`` at once do a second, summed, and the largest one's peak MiB.

    They import scanline from ``checkout``. Raises NotReadyError.
    """
    environment = dict(
        os.environ,
        PYTHONPATH=str(checkout / "src"),
        CUDA_VISIBLE_DEVICES="",
        OMP_NUM_THREADS=str(threads),
        OPENBLAS_NUM_THREADS=str(threads),
    )
    with ExitStack() as stack:  # waits for all of them, whatever happens
        running = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    env=environment,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
            for _ in range(processes)
        ]
        for process in running:
            if process.stdout.readline().strip() != "ready":
                words = " ".join(map(str, command))
                raise NotReadyError(f"{words} did not get ready; run it by hand")
        for process in running:
            process.stdin.write("\n")
            process.stdin.flush()
        found = [tuple(map(float, process.communicate()[0].split())) for process in running]
    return sum(speed for speed, _ in found), max(peak for _, peak in found)
