"""The core's form for AMX tiles, by emulated instructions, which any processor runs."""

import ctypes
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import reference
import tensorflow as tf
from native_calls import CELLS, FORMS, NEEDS_COMPILER, arguments, outcome

from scanline.models import native

HELPERS = Path(__file__).parents[1] / "helpers"
pytestmark = [
    NEEDS_COMPILER,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="tiles are x86-64's"),
]


@pytest.fixture(scope="module")
def core(tmp_path_factory) -> ctypes.CDLL:
    command = native.compiler()
    version = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    if "Free Software Foundation" not in version:
        pytest.skip("the emulation is written for gcc's vectors")
    library = tmp_path_factory.mktemp("emulated") / "core.so"
    flags = [f"-I{native.SOURCE}", "-O2", "-w", "-shared", str(HELPERS / "emulated_core.cc")]
    subprocess.run([*command, *native.FLAGS, *flags, "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def call(function, *given):
    """Calls a function of C with arrays of float32, integers, and None for a null pointer."""
    function.restype = None
    function(
        *(
            ctypes.c_void_p(v.ctypes.data)
            if isinstance(v, np.ndarray)
            else ctypes.c_void_p()
            if v is None
            else ctypes.c_long(v)
            for v in given
        )
    )


def rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest bfloat16, ties to even, as float64."""
    return tf.cast(tf.cast(tf.constant(values, tf.float32), tf.bfloat16), tf.float64).numpy()


def strided(values: np.ndarray) -> np.ndarray:
    """With columns of zeros up to the stride that the core's rows have."""
    return np.pad(values, ((0, 0), (0, -values.shape[1] % 16 + 16)))


def drawn(rng, *size) -> np.ndarray:
    return rng.normal(size=size).astype(np.float32)


def assert_sums(found: np.ndarray, start: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """``found`` is start + a b of rounded operands, within the error of float32 sums."""
    a, b = rounded(a), rounded(b)
    # 2**-24 of the size of all that is added, for each addition; they number the depth and a few.
    error = (np.abs(start) + np.abs(a) @ np.abs(b)) * (a.shape[1] + 4) * 2.0**-24
    assert (np.abs(found - (start + a @ b)) <= error).all()


@pytest.mark.parametrize("rows", [2, 8, 16])
@pytest.mark.parametrize("depth", [1, 2, 17, 31, 32, 33, 65])
def test_products_are_those_of_rounded_numbers(core, rows, depth):
    """Forward from one row for all, backward from nothing or from what is there already."""
    rng = np.random.default_rng(depth)
    for columns in (16, 32, 48, 80):
        a, b = drawn(rng, rows, depth), drawn(rng, depth, columns)
        given = strided(a)
        for start in (None, drawn(rng, 1, columns), drawn(rng, rows, columns)):
            one_row = start is not None and len(start) == 1
            found = np.full((rows, columns), np.nan, np.float32)
            call(
                core.multiply, given, given.shape[1], b, rows, depth, columns, start, one_row, found
            )
            assert_sums(found, np.zeros(columns) if start is None else start, a, b)


@pytest.mark.parametrize("wide", [1, 15, 16, 17, 33, 50])
def test_products_of_weight_gradients_are_those_of_rounded_numbers(core, wide):
    rng = np.random.default_rng(wide)
    for depth in (2, 16, 30, 32, 34, 128):
        for columns in (16, 32, 48):
            a, b, start = (
                drawn(rng, *n) for n in ((depth, wide), (depth, columns), (wide, columns))
            )
            found, left, right = start.copy(), strided(a), strided(b)
            sizes = left, left.shape[1], right, right.shape[1], depth, wide, columns
            call(core.multiply_turned, *sizes, found)
            assert_sums(found, start, a.T, b)


def in_rows(cell, weights, units):
    """Keras' weights as the core's M [width, gates * padded units]."""
    kernel, recurrent, bias = weights
    padded = -units % 16 + units
    inputs = len(kernel)
    gates = 3 if cell == "gru" else 4
    rows = np.zeros((padded + inputs + 1, gates, padded), np.float32)
    for gate in range(3 if cell == "gru_reset_after" else gates):
        columns = slice(gate * units, (gate + 1) * units)
        of_state = 3 if (cell, gate) == ("gru_reset_after", 2) else gate
        rows[:units, of_state, :units] = recurrent[:, columns]
        rows[padded:-1, gate, :units] = kernel[:, columns]
        if bias.ndim == 1:
            rows[-1, gate, :units] = bias[columns]
        else:
            rows[-1, gate, :units] += bias[0, columns]
            rows[-1, of_state, :units] += bias[1, columns]
    return rows.reshape(len(rows), -1)


def by_tiles(core, cell, x, states, weights):
    """Outputs, last states; gradients of x, states and M, of native_calls' weighted sum."""
    batch, steps, inputs = x.shape
    units = states[0].shape[1]
    M = in_rows(cell, weights, units)

    def slopes(shape):
        return np.cos(np.arange(np.prod(shape))).reshape(shape).astype(np.float32)

    outputs = np.zeros((batch, steps, units), np.float32)
    after = [np.zeros_like(v) for v in states]
    dx, dM = np.zeros_like(x), np.zeros_like(M)
    d_states = [np.zeros_like(v) for v in states]

    def both(values):
        return [*values, None][:2]

    d_after = [slopes(v.shape) for v in states]
    call(
        core.layer, CELLS.index(cell), batch, steps, inputs, units, x, *both(states), M, outputs,
        *both(after), slopes(outputs.shape), *both(d_after), dx, *both(d_states), dM,
    )  # fmt: skip
    return [outputs, *after], [dx, *d_states, dM]


@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_there_and_back_is_the_portable_form_s(core, cell, monkeypatch):
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", "plain")
    for shape in ((1, 1, 1, 8), (5, 9, 2, 19), (16, 10, 3, 21), (13, 4, 33, 32)):
        x, states, weights = arguments(cell, shape, np.float32)
        results, gradients = by_tiles(core, cell, x, states, weights)
        portable, slopes = outcome(cell, x, states, weights, precision="bfloat16")
        wide = [v.astype(np.float64) for v in (x, *states, *weights)]
        n = 1 + len(states)
        outputs, after = reference.run(cell, wide[0], tuple(wide[1:n]), wide[n:], rounded)
        for found, wanted, exact in zip(results, portable, (outputs, *after), strict=True):
            # As in test_bfloat16: a state in the middle of two bfloat16 numbers may be rounded to
            # either; all else is float32's error.
            for other in (wanted, exact):
                np.testing.assert_allclose(found, other, rtol=0, atol=2e-3)
                assert np.median(np.abs(found - other)) < 2e-6
        # dM has one row of bias, Keras' reset-after GRU two: those are compared by their gates.
        units = shape[3]
        wanted = in_rows(cell, [*slopes[n : n + 2], _own_bias(cell, slopes[n + 2])], units)
        for found, other in zip(gradients, [*slopes[:n], wanted], strict=True):
            assert np.linalg.norm(found - other) < 0.005 * np.linalg.norm(other)


def _own_bias(cell, bias):
    """So that ``in_rows`` gives each gate one of the two equal gradients."""
    if cell != "gru_reset_after":
        return bias
    bias = bias.copy()
    bias[1, : bias.shape[1] // 3 * 2] = 0
    return bias


def test_form_is_refused_with_what_is_lacking(monkeypatch):
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if "amx_bf16" in flags:
        pytest.skip("this processor has tiles")
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", "amxbf16")
    told = r"SCANLINE_KERNEL_FORM is amxbf16, which this processor does not run \((it|the) .+\)"
    with pytest.raises(ValueError, match=told):
        native.instruction_set("bfloat16")
    with pytest.raises(tf.errors.InvalidArgumentError, match=told):
        outcome("gru", *arguments("gru", (1, 1, 1, 8), np.float32))


@pytest.mark.parametrize("precision", native.PRECISIONS)
def test_the_fastest_form_that_the_processor_runs_is_taken(monkeypatch, precision):
    """Forms stand in FORMS from the fastest to the slowest."""
    runs = []
    for form in FORMS:
        monkeypatch.setenv("SCANLINE_KERNEL_FORM", form)
        with suppress(ValueError):
            runs.append(native.instruction_set(precision))
    monkeypatch.delenv("SCANLINE_KERNEL_FORM")
    assert native.instruction_set(precision) == runs[0]
