"""Processes that log to one tracking store at once, as trainings do; no TensorFlow in them.

Each is a warm one, since MLflow takes seconds to import: ``observers.py NUMBER FOLDER EPOCHS``.
"""

import os
import subprocess
import sys
from pathlib import Path

import warm_python

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE = 600.0  # seconds on a busy machine; a tenth of it is needed


def value_of(number: int, epoch: int) -> float:
    """What process ``number`` logs after ``epoch``; no other one does."""
    return number + epoch / 1024


def observe(number: int, folder: Path, epochs: int) -> None:
    """Logs two metrics for every epoch, once it is told to begin."""
    from scanline.provenance import tracking
    from scanline.provenance.record import Record

    record = Record.begin("train_predictor", folder, {"units": number}, {})
    print("ready", flush=True)
    sys.stdin.readline()
    with tracking.live(record) as log_epoch:
        for epoch in range(1, epochs + 1):
            value = value_of(number, epoch)
            log_epoch(epoch, {"train/accuracy": value, "validation/accuracy": -value})


def log_at_once(folders: list[Path], epochs: int) -> list[int]:
    """Runs one process for each folder, all beginning together; returns their exit codes."""
    processes = [
        subprocess.Popen(
            [warm_python.python(), __file__, str(number), str(folder), str(epochs)],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, folder in enumerate(folders)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("begin\n")
            process.stdin.flush()
        return [process.wait(PATIENCE) for process in processes]
    finally:
        for process in processes:
            process.kill()  # which does nothing to one that has ended
            process.communicate()


if __name__ == "__main__":
    observe(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
