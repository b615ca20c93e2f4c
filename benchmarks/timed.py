"""What every process of the benchmark does: get ready, wait to be told, work, say how fast."""

import resource
import sys
import time
from collections.abc import Callable


def timed(work: Callable[[], object], images: float, seconds: float, least: int) -> None:
    """Does ``work`` once, prints "ready", waits for a line, prints images/s and peak MiB.

    The work, of so many ``images``, is repeated for ``seconds`` and at least ``least`` times.
    """
    work()
    print("ready", flush=True)
    sys.stdin.readline()
    begin, done = time.perf_counter(), 0
    while (now := time.perf_counter()) - begin < seconds or done < least:
        work()
        done += 1
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(images * done / (now - begin), peak_mib)


def use_threads(threads: int) -> None:
    """TensorFlow's threads, and with them the native core's; before TensorFlow computes."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
