"""Products of bfloat16 in the native core: against equations that round, and exact gradients."""

import itertools

import numpy as np
import pytest
import reference
import tensorflow as tf
from native_calls import CELLS, FORMS, NEEDS_COMPILER, arguments, available, outcome, weighted_sum

from scanline.models import native
from scanline.models.stack import RecurrentStack

pytestmark = NEEDS_COMPILER

SHAPES = ((1, 1, 1, 8), (5, 9, 2, 19), (33, 17, 3, 21), (18, 12, 32, 32))
# A state that lies within float32's error of the middle of two bfloat16 numbers may be rounded the
# other way: one operand of a sum is then off by 2**-8 of its size.
FLIPPED = 2e-3


def rounded(values: np.ndarray) -> np.ndarray:
    """To the nearest bfloat16, ties to even, as float64."""
    return tf.cast(tf.cast(tf.constant(values, tf.float32), tf.bfloat16), tf.float64).numpy()


def in_bfloat16(cell, case, **options):
    return outcome(cell, *case, precision="bfloat16", **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_values_equal_the_equations_with_rounded_operands(cell, form, monkeypatch):
    available(form, monkeypatch)
    for shape in SHAPES:
        x, states, weights = arguments(cell, shape, np.float32)
        results, _ = in_bfloat16(cell, (x, states, weights))
        wide = [v.astype(np.float64) for v in (x, *states, *weights)]
        n = 1 + len(states)
        outputs, after = reference.run(cell, wide[0], tuple(wide[1:n]), wide[n:], rounded)
        for found, wanted in zip(results, (outputs, *after), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=FLIPPED)
            # Flips are rare; all else is float32's error. Unrounded, the median is above 1e-4.
            assert np.median(np.abs(found - wanted)) < 2e-6


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_difference_quotients_within_the_error_of_bfloat16(cell):
    rng = np.random.default_rng(1)
    for shape in SHAPES[1:3]:
        x, states, weights = arguments(cell, shape, np.float32)
        _, gradients = in_bfloat16(cell, (x, states, weights))
        arrays = [v.astype(np.float64) for v in (x, *states, *weights)]
        n = 1 + len(states)

        def loss(arrays, n=n):
            outputs, after = reference.run(cell, arrays[0], tuple(arrays[1:n]), arrays[n:])
            return sum(weighted_sum(v) for v in (outputs, *after))

        for index, gradient in enumerate(gradients):
            for _ in range(3):
                direction = rng.normal(size=arrays[index].shape)
                ends = []
                for sign in (1, -1):
                    moved = list(arrays)
                    moved[index] = arrays[index] + sign * 1e-5 * direction
                    ends.append(loss(moved))
                slope = (ends[0] - ends[1]) / 2e-5
                # Both are sums of as many terms as the gradient has numbers, each off by some
                # 2**-8 of its size: their difference is of the size of 2**-8 of its norm.
                error = abs(slope - (gradient * direction).sum())
                assert error < 0.02 * np.linalg.norm(gradient)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_float32_s_within_the_error_of_bfloat16(cell, form, monkeypatch):
    available(form, monkeypatch)
    for shape in SHAPES[1:]:
        case = arguments(cell, shape, np.float32)
        head = [np.random.default_rng(2).normal(0, 0.2, shape[3] + 1).astype(np.float32)]
        for options in ({}, {"sequences": False, "head": head}):
            _, exact = outcome(cell, *case, **options)
            _, found = in_bfloat16(cell, case, **options)
            for ours, theirs in zip(found, exact, strict=True):
                # 0.002 a product, several times over where a sum cancels.
                assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)
                assert not np.array_equal(ours, theirs) or ours.size < 50


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_through_gates_that_are_nearly_open_keeps_its_accuracy(cell, form, monkeypatch):
    """All that reaches the weights goes through 1 - sigma(6) = 1 / 404, or 1 - sigma(12) = 6e-6."""
    available(form, monkeypatch)
    x, states, weights = arguments(cell, (33, 24, 1, 32), np.float32)
    for size in (6, 12):
        bias = weights[2].copy()
        first = bias[0] if bias.ndim == 2 else bias
        if cell == "lstm":
            first[:32] -= size
            first[32:64] += size
        else:
            first[:32] += size
        case = x, states, [*weights[:2], bias]
        _, exact = outcome(cell, *case)
        _, found = in_bfloat16(cell, case)
        for ours, theirs in zip(found, exact, strict=True):
            assert np.linalg.norm(ours - theirs) < 0.02 * np.linalg.norm(theirs)


@pytest.mark.parametrize("cell", CELLS)
def test_result_is_the_same_to_the_bit_for_any_number_of_threads(cell, monkeypatch):
    case = arguments(cell, (200, 40, 1, 32), np.float32)
    found = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(native, "threads", lambda count=count: count)
        found.append([v.tobytes() for v in itertools.chain(*in_bfloat16(cell, case))])
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_is_the_same_whether_gates_were_kept_or_not(cell):
    case = arguments(cell, SHAPES[2], np.float32)
    kept, anew = (in_bfloat16(cell, case, training=training) for training in (True, False))
    for a, b in zip(kept[0] + kept[1], anew[0] + anew[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_pass_through_as_in_the_equations(form, bad, monkeypatch):
    available(form, monkeypatch)
    for cell in CELLS:
        x, states, weights = arguments(cell, (3, 6, 1, 19), np.float32)
        x[1, 2] = bad
        results, _ = in_bfloat16(cell, (x, states, weights))
        with np.errstate(over="ignore", invalid="ignore"):
            wanted, _ = reference.run(cell, x, tuple(states), weights)
        # Within the error of rounded products; what is NaN must be NaN, and nothing else.
        np.testing.assert_allclose(results[0], wanted, rtol=0, atol=0.02)


def test_gates_are_kept_in_half_the_memory():
    x, states, weights = arguments("lstm", (64, 40, 1, 32), np.float32)
    sizes = {}
    for precision in native.PRECISIONS:
        names = "h", "c", "kernel", "recurrent_kernel", "bias"
        named = dict(zip(names, (*states, *weights), strict=True))
        kept = (
            native.library()
            .scanline_recurrent(
                **named,
                x=x,
                seen=np.zeros((0, 0), np.uint8),
                sources=np.zeros((0, 0), np.int32),
                places=np.zeros((0, 0), np.int32),
                shared=np.zeros(0, np.int32),
                head=np.zeros(0, np.float32),
                cell="lstm",
                precision=precision,
                sequences=False,
                by_source=False,
                keep=True,
                threads=1,
            )
            .kept
        )
        sizes[precision] = int(tf.size(kept))
    gates, every_eighth_state = 64 * 40 * 4 * 32, 64 * 5 * 2 * 32
    assert sizes["float32"] == gates + every_eighth_state
    assert sizes["bfloat16"] == gates // 2 + every_eighth_state


@pytest.mark.parametrize("form", FORMS)
def test_the_instruction_set_is_that_of_the_form(form, monkeypatch, capsys):
    available(form, monkeypatch)
    has_instruction = form in ("avx512bf16", "amxbf16")
    assert native.instruction_set() == f"{'avx512' if has_instruction else form} float32"
    words = native.instruction_set("bfloat16")
    assert words.startswith(f"{form} ")
    assert ("dpbf16ps" in words) == has_instruction
    native._tell_of_rounding.cache_clear()
    case = arguments("gru", SHAPES[0], np.float32)
    for _ in range(2):
        in_bfloat16("gru", case)
    told = capsys.readouterr().err.count("bfloat16 is slower than float32 here")
    assert told == (0 if has_instruction else 1)
    native._tell_of_rounding.cache_clear()


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="precision is 'float16'; allowed: float32, bfloat16"):
        outcome("gru", *arguments("gru", SHAPES[0], np.float32), precision="float16")
    with pytest.raises(ValueError, match="'bfloat16' and states are float64; allowed: float32"):
        outcome("gru", *arguments("gru", SHAPES[0], np.float64), precision="bfloat16")
    with pytest.raises(ValueError, match="precision is 'half'; allowed: float32, bfloat16"):
        RecurrentStack("gru", 4, 1, precision="half")


def test_a_stack_computes_in_its_precision_and_for_a_while_in_another():
    x = tf.constant(np.random.default_rng(0).normal(size=(5, 9, 2)), tf.float32)
    stacks = [RecurrentStack("gru", 20, 2, precision=precision) for precision in native.PRECISIONS]
    for stack in stacks:
        stack.build((None, None, 2))
        stack.set_weights(stacks[0].get_weights())
    narrow = stacks[1](x)
    assert not np.array_equal(stacks[0](x), narrow)
    with stacks[0].computing_in("bfloat16"):
        np.testing.assert_array_equal(stacks[0](x), narrow)
    assert stacks[0].precision == "float32"
    again = RecurrentStack.from_config(stacks[1].get_config())
    assert [layer.precision for layer in again.recurrent_layers] == ["bfloat16"] * 2
