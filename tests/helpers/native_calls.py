"""Calls of the native core for its tests: drawn arguments, results with their gradients."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from scanline.models import native

CELLS = ("gru", "gru_reset_after", "lstm")


_BFLOAT16 = ("avx512f", "avx512dq", "avx512bw", "avx512vl", "fma", "avx512_bf16")
# The processor's flags that each form needs.
FORMS = {
    "amxbf16": (*_BFLOAT16, "amx_tile", "amx_bf16"),
    "avx512bf16": _BFLOAT16,
    "avx512": ("avx512f", "avx512dq", "avx512bw", "avx512vl", "fma"),
    "avx2": ("avx2", "fma"),
    "plain": (),
}


def available(form, monkeypatch):
    """Has the core compute by ``form``; skips the test where this processor does not run it."""
    if form != "plain":
        flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
        if not all(flag in flags for flag in FORMS[form]):
            pytest.skip(f"this processor does not run {form}")
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", form)


def _has_compiler() -> bool:
    try:
        return bool(native.compiler())
    except native.NoCompilerError:
        return False


NEEDS_COMPILER = pytest.mark.skipif(not _has_compiler(), reason="no C++ compiler on this machine")


def arguments(cell, shape, dtype, seed=0):
    """Inputs, states, weights as NumPy arrays, drawn at a scale at which gates do not saturate."""
    batch, steps, inputs, units = shape
    rng = np.random.default_rng(seed)
    gates = (4 if cell == "lstm" else 3) * units
    bias = (2, gates) if cell == "gru_reset_after" else (gates,)

    def draw(*size):
        return (rng.normal(size=size) / np.sqrt(size[0])).astype(dtype)

    states = [draw(batch, units) for _ in range(2 if cell == "lstm" else 1)]
    weights = [draw(inputs, gates), draw(units, gates), draw(*bias)]
    return draw(batch, steps, inputs), states, weights


def outcome(cell, x, states, weights, sequences=True, training=True, head=(), **options):
    """Outputs, last states and the gradients of a fixed weighted sum of them all.

    ``head``: none, or one array [units + 1], with which the outputs are logits. ``options`` are
    more of ``native.recurrent``'s.
    """
    tensors = [tf.constant(v) for v in (x, *states, *weights, *head)]
    n = 1 + len(states)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, after = native.recurrent(
            cell,
            tensors[0],
            tensors[1:n],
            tensors[n : n + 3],
            sequences,
            training,
            True,
            *tensors[n + 3 :],
            **options,
        )
        results = [outputs, *after]
        loss = tf.add_n([weighted_sum(v) for v in results])
    return [v.numpy() for v in results], [g.numpy() for g in tape.gradient(loss, tensors)]


def weighted_sum(values):
    """A scalar in which each value has its own weight."""
    size = int(np.prod(values.shape))
    factors = np.cos(np.arange(size)).reshape(values.shape)
    if isinstance(values, np.ndarray):
        return float((values * factors).sum())
    return tf.reduce_sum(values * tf.constant(factors, values.dtype))
