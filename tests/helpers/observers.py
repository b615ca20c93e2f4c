"""Processes that log to one tracking store at once, as trainings do; no TensorFlow in them."""

import multiprocessing
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path

from scanline.provenance import tracking
from scanline.provenance.record import Record


def value_of(number: int, epoch: int) -> float:
    """What process ``number`` logs after ``epoch``; no other one does."""
    return number + epoch / 1024


def observe(number: int, folder: Path, epochs: int, together: Barrier) -> None:
    """Logs two metrics for every epoch; all processes begin at the same moment."""
    record = Record.begin("train_predictor", folder, {"units": number}, {})
    together.wait()
    with tracking.live(record) as log_epoch:
        for epoch in range(1, epochs + 1):
            value = value_of(number, epoch)
            log_epoch(epoch, {"train/accuracy": value, "validation/accuracy": -value})


def log_at_once(folders: list[Path], epochs: int) -> list[int | None]:
    """Runs one process for each folder, all at once; returns their exit codes."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(len(folders))
    processes = [
        context.Process(target=observe, args=(number, folder, epochs, together))
        for number, folder in enumerate(folders)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
        if process.is_alive():
            print(f"process {process.pid} has not ended", file=sys.stderr)
            process.kill()
            process.join()
    return [process.exitcode for process in processes]
