"""The native core against NumPy from the equations, in each of its forms, and under bad input."""

import itertools

import numpy as np
import pytest
import reference
import tensorflow as tf
from native_calls import CELLS, FORMS, NEEDS_COMPILER, arguments, available, outcome, weighted_sum

from scanline.models import native
from scanline.models.stack import RecurrentStack

pytestmark = NEEDS_COMPILER

# Batch, steps, inputs, units: below and above a block, a segment, a vector; ragged and even; the
# widest inputs and the most units that are promised.
SHAPES = (
    *((1, 1, 1, 8), (5, 9, 2, 19), (33, 17, 3, 21), (100, 16, 32, 32), (130, 3, 1, 70)),
    *((18, 5, 256, 24), (3, 2, 1, 512)),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_values_equal_the_equations(cell, form, monkeypatch):
    available(form, monkeypatch)
    for shape in SHAPES:
        for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
            x, states, weights = arguments(cell, shape, dtype)
            results, _ = outcome(cell, x, states, weights)
            wide = [v.astype(np.float64) for v in (x, *states, *weights)]
            n = 1 + len(states)
            outputs, after = reference.run(cell, wide[0], tuple(wide[1:n]), wide[n:])
            for found, wanted in zip(results, (outputs, *after), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("way", ["outputs", "logits", "last"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_gradients_of_gradients_are_those_of_keras_loop(cell, way):
    rng = np.random.default_rng(3)
    found = []
    head = tf.keras.layers.Dense(1)
    head.build((None, None, 3))
    drawn: list[np.ndarray] = []
    for core in ("native", "keras"):
        stack = RecurrentStack(cell, 3, 1, core=core)
        stack.build((None, None, 2))
        drawn = drawn or [rng.normal(size=w.shape).astype(np.float32) for w in stack.weights]
        stack.set_weights(drawn)
        x = tf.constant(np.random.default_rng(4).normal(size=(4, 5, 2)), tf.float32)
        states = [
            tf.constant(np.random.default_rng(5).normal(size=(4, 3)), tf.float32)
            for _ in range(stack.states_per_layer)
        ]
        given = [x, *states, *(weight.value for weight in (*stack.weights, *head.weights))]
        if way != "logits":
            given = given[:-2]
        with tf.GradientTape() as outer:
            outer.watch(given)
            with tf.GradientTape() as inner:
                inner.watch(given)
                if way == "logits":
                    results, after = stack.logits(x, tuple(states), head, training=True)
                elif way == "outputs":
                    results, after = stack.run(x, tuple(states), training=True)
                else:
                    results, after = stack.step(x[:, 0], tuple(states))
                loss = tf.add_n([weighted_sum(v) for v in (results, *after)])
            first = inner.gradient(loss, given)
            penalty = tf.add_n([weighted_sum(v * v) for v in first])
        zero = tf.UnconnectedGradients.ZERO
        found.append([*first, *outer.gradient(penalty, given, unconnected_gradients=zero)])
    for ours, theirs in zip(*found, strict=True):
        largest = np.abs(theirs).max()  # float32, in another order
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * largest)
    assert all(np.any(each) for each in found[0][:-1])  # the head's bias, at the end, may have none


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_finite_differences_of_the_equations(cell, form, monkeypatch):
    available(form, monkeypatch)
    rng = np.random.default_rng(1)
    for shape in SHAPES[1:3]:
        x, states, weights = arguments(cell, shape, np.float64)
        _, gradients = outcome(cell, x, states, weights)
        arrays = [x, *states, *weights]
        n = 1 + len(states)

        def loss(arrays, n=n):
            outputs, after = reference.run(cell, arrays[0], tuple(arrays[1:n]), arrays[n:])
            return sum(weighted_sum(v) for v in (outputs, *after))

        for index, gradient in enumerate(gradients):
            direction = rng.normal(size=arrays[index].shape)
            ends = []
            for sign in (1, -1):
                moved = list(arrays)
                moved[index] = arrays[index] + sign * 1e-5 * direction
                ends.append(loss(moved))
            # Central differences: an error of the order of 1e-10 times the third derivative.
            slope = (ends[0] - ends[1]) / 2e-5
            assert slope == pytest.approx((gradient * direction).sum(), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_head_gives_the_logits_and_gradients_of_an_affine_map_of_the_outputs(
    cell, form, monkeypatch
):
    available(form, monkeypatch)
    for shape in SHAPES:
        for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
            x, states, weights = arguments(cell, shape, dtype)
            head = np.random.default_rng(2).normal(0, 0.2, shape[3] + 1).astype(dtype)
            values, gradients = outcome(cell, x, states, weights, sequences=False, head=[head])
            tensors = [tf.constant(v) for v in (x, *states, *weights, head)]
            n = 1 + len(states)
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs, after = native.recurrent(
                    cell, tensors[0], tensors[1:n], tensors[n:-1], True, True, True
                )
                logits = tf.linalg.matvec(outputs, tensors[-1][:-1]) + tensors[-1][-1]
                loss = tf.add_n([weighted_sum(v) for v in (logits, *after)])
            assert values[0].shape == shape[:2]
            for found, wanted in zip(values, (logits, *after), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
            for found, wanted in zip(gradients, tape.gradient(loss, tensors), strict=True):
                # Sums over the batch and all steps, in another order.
                largest = np.abs(wanted).max()
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("cell", CELLS)
def test_float32_gradients_equal_float64_gradients(cell):
    for shape in SHAPES:
        narrow = outcome(cell, *arguments(cell, shape, np.float32))[1]
        x, states, weights = arguments(cell, shape, np.float32)
        wide = [[v.astype(np.float64) for v in values] for values in ([x], states, weights)]
        wanted = outcome(cell, wide[0][0], wide[1], wide[2])[1]
        for found, exact in zip(narrow, wanted, strict=True):
            np.testing.assert_allclose(found, exact, rtol=0, atol=1e-4 * np.abs(exact).max())


@pytest.mark.parametrize("cell", CELLS)
def test_result_is_the_same_to_the_bit_for_any_number_of_threads(cell, monkeypatch):
    x, states, weights = arguments(cell, (200, 40, 1, 32), np.float32)
    head = np.linspace(-1, 1, 33, dtype=np.float32)
    found = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(native, "threads", lambda count=count: count)
        plain = outcome(cell, x, states, weights)
        read_out = outcome(cell, x, states, weights, sequences=False, head=[head])
        found.append([v.tobytes() for v in itertools.chain(*plain, *read_out)])
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_is_the_same_whether_gates_were_kept_or_not(cell):
    case = arguments(cell, SHAPES[2], np.float32)
    kept, anew = (outcome(cell, *case, training=training) for training in (True, False))
    for a, b in zip(kept[0] + kept[1], anew[0] + anew[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_last_state_and_its_gradient_need_no_sequence(cell):
    x, states, weights = arguments(cell, SHAPES[2], np.float32)
    without = outcome(cell, x, states, weights, sequences=False)
    _, after = reference.run(cell, x, tuple(states), weights)
    assert without[0][0].shape == (33, 0, 21)
    np.testing.assert_allclose(without[0][1], after[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_pass_through_as_in_the_equations(cell, bad):
    x, states, weights = arguments(cell, (3, 6, 1, 19), np.float32)
    x[1, 2] = bad
    results, _ = outcome(cell, x, states, weights)
    with np.errstate(over="ignore", invalid="ignore"):
        wanted, _ = reference.run(cell, x, tuple(states), weights)
    np.testing.assert_allclose(results[0], wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_small_numbers_pass_tanh_with_their_relative_accuracy(form, monkeypatch):
    """One step of an LSTM whose gates are open: its c is tanh of the input, its h tanh of that."""
    available(form, monkeypatch)
    sizes = np.logspace(-30, 1.3, 400)
    x = np.concatenate([sizes, -sizes, [0]]).astype(np.float32)[:, None, None]
    zeros = np.zeros((len(x), 1), np.float32)
    open_wide = 200.0  # sigmoid gives 1
    weights = [
        np.array([[0, 0, 1, 0]], np.float32),
        np.zeros((1, 4), np.float32),
        np.array([open_wide, 0, 0, open_wide], np.float32),
    ]
    (_, h, c), _ = outcome("lstm", x, [zeros, zeros], weights)
    # 4 units in the last place: the polynomial, a reciprocal and a product round.
    np.testing.assert_allclose(c[:, 0], np.tanh(x[:, 0, 0].astype(float)), rtol=2.5e-7)
    np.testing.assert_allclose(h[:, 0], np.tanh(c[:, 0].astype(float)), rtol=2.5e-7)
    assert np.abs(c).max() == 1


def test_unknown_form_is_refused(monkeypatch):
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", "mmx")
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"allowed, .*: amxbf16, avx512bf16, avx512, avx2, plain",
    ):
        outcome("gru", *arguments("gru", SHAPES[0], np.float32))


def test_wrong_shapes_are_refused_by_name():
    x, states, weights = arguments("gru", SHAPES[1], np.float32)
    ops = native.library()
    settings = dict(
        cell="gru", precision="float32", sequences=True, by_source=False, keep=False, threads=1
    )
    given = dict(x=x, h=states[0], c=np.zeros((0, 0), np.float32), head=np.zeros(0, np.float32))
    given |= dict(seen=np.zeros((5, 7), np.uint8), shared=np.zeros(0, np.int32))
    given |= dict(sources=np.zeros((9, 0), np.int32), places=np.zeros((9, 0), np.int32))
    given |= dict(zip(("kernel", "recurrent_kernel", "bias"), weights, strict=True))
    for name, wrong in (
        ("kernel", weights[0][:, :-1]),
        ("recurrent_kernel", weights[1][:-1]),
        ("bias", weights[2][:-1]),
        ("head", np.zeros(5, np.float32)),
        ("h", states[0][:-1]),
        ("x", x[0]),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} has shape .*; wanted"):
            ops.scanline_recurrent(**(given | {name: wrong}), **settings)


def test_empty_batch_has_empty_results_and_zero_weight_gradients():
    x, states, weights = arguments("gru", SHAPES[1], np.float32)
    values, gradients = outcome("gru", x[:0], [states[0][:0]], weights)
    assert values[0].shape == (0, 9, 19)
    assert all(not g.any() for g in gradients)
