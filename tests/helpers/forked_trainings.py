"""Runs trainings on request, each a process of its own, forked after one import of TensorFlow.

A request is JSON: the script, its arguments, a file for what it prints. Line by line, each is
answered by the process's id, and, once it has ended, its exit status. With ``at-once``, all of one
list run together, and their statuses come at the end.
"""

import json
import os
import sys
import traceback

from scanline.provenance.stage import main
from train_classifier import train_classifier
from train_predictor import train_predictor

SCRIPTS = {"train_classifier": train_classifier, "train_predictor": train_predictor}


def train(script: str, arguments: list[str], log: str) -> int:
    """Runs the command to its end; its exit status."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        main(SCRIPTS[script], arguments=arguments)
    except SystemExit as error:
        return int(error.code or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


def start(script: str, arguments: list[str], log: str) -> int:
    """The id of a training's process."""
    process = os.fork()
    if process == 0:
        os._exit(train(script, arguments, log))
    return process


def status(process: int) -> int:
    """Waits for a training; its exit status (negative: the signal that killed it)."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    if sys.argv[1:] == ["at-once"]:
        import mlflow  # noqa: F401  (once for all)

        processes = [start(*request) for request in json.load(sys.stdin)]
        print(json.dumps([status(process) for process in processes]))
        sys.exit()
    for line in sys.stdin:
        process = start(*json.loads(line))
        print(process, flush=True)
        print(status(process), flush=True)
