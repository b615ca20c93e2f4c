"""A bound of time for a process that talks with something which may never answer."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer


@contextmanager
def within(seconds: float, otherwise: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Ends this process where the block takes more than ``seconds``, whatever it waits for.

    ``otherwise`` then says so, and returns the exit status. Yields a function that starts the count
    anew.
    """
    timers: list[Timer] = []

    def end() -> None:
        status = otherwise()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def again() -> None:
        stop()
        timers.append(Timer(seconds, end))
        timers[-1].daemon = True
        timers[-1].start()

    def stop() -> None:
        while timers:
            timers.pop().cancel()

    again()
    try:
        yield again
    finally:
        stop()
