"""Functions that loop over tensors, compiled."""

from collections.abc import Callable

import tensorflow as tf


def compiled_loop(function: Callable) -> Callable:
    """Compiles a function that loops over tensors itself, and calls none that does.

    AutoGraph alone would also search all that it calls for loops, which takes seconds.
    """
    converted = tf.autograph.to_graph(function, recursive=False)
    return tf.function(converted, autograph=False, reduce_retracing=True)
