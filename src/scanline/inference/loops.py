"""Loops over tensors, within compiled functions."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def loop(start: tf.Tensor, stop: tf.Tensor, step: Callable[..., tuple], *values: Any) -> tuple:
    """``values`` after ``values = step(t, *values)`` for each t from ``start`` to before ``stop``.

    AutoGraph makes the same of a Python loop, but takes a second for it in every process.
    """

    def body(t, *values):
        return t + 1, *step(t, *values)

    return tf.while_loop(lambda t, *_: t < stop, body, (start, *values))[1:]
