"""Runs trainings on request, each a process of its own, forked after one import of TensorFlow.

Reads lines of JSON (the command's arguments, a file for what it prints); writes the process's id,
and, once it has ended, its exit status (negative: the signal that killed it).
"""

import json
import os
import sys
import traceback

from scanline.command import main
from train_predictor import train_predictor


def train(arguments: list[str], log: str) -> int:
    """Runs the command to its end; its exit status."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        main(train_predictor, arguments=arguments)
    except SystemExit as error:
        return int(error.code or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            os._exit(train(*json.loads(line)))
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
