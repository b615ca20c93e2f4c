"""What every process of the benchmark does: get ready, wait to be told, work, say how fast."""

import resource
import sys
import time
from collections.abc import Callable, Iterator


def timed(work: Callable[[], object], images: float, seconds: float, least: int) -> None:
    """Does ``work`` once, gets ready, then repeats it as long as ``rounds`` says."""
    work()
    for _ in rounds(images, seconds, least):
        work()


def rounds(images: float, seconds: float, least: int) -> Iterator[None]:
    """Rounds of work on so many ``images`` each, for ``seconds`` and at least ``least`` of them.

    Prints "ready" and waits for a line before the first; prints images/s and peak MiB at the end.
    """
    print("ready", flush=True)
    sys.stdin.readline()
    begin, done = time.perf_counter(), 0
    while (now := time.perf_counter()) - begin < seconds or done < least:
        yield
        done += 1
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(images * done / (now - begin), peak_mib, flush=True)


def use_threads(threads: int) -> None:
    """TensorFlow's threads, and with them the native core's; before TensorFlow computes."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
