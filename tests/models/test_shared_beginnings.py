"""Steps that sequences of a batch have in common are computed once, with the same results."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from native_calls import CELLS, NEEDS_COMPILER, arguments, weighted_sum

from scanline.models import native
from scanline.models.reading import Reading
from scanline.models.stack import RecurrentStack

pytestmark = NEEDS_COMPILER

BATCH, STEPS, UNITS = 75, 60, 19
ROWS = 16  # sequences of a block: where fewer are left on the common path, it ends


def images(seed: int = 0) -> np.ndarray:
    """uint8 [B, T], blank until each one's first ink; one is blank altogether."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 2, (BATCH, STEPS)).astype(np.uint8)
    first = rng.integers(0, 50, BATCH)
    for row, at in enumerate(first):
        pixels[row, :at], pixels[row, at] = 0, 1
    pixels[7] = 0
    return pixels


def read(pixels: np.ndarray, many_bits: bool) -> Reading:
    """Step t reads pixel t - 1; or the twelve pixels before, and its place among four."""
    seen = np.pad(pixels, [(0, 0), (1, 0)])
    steps = np.arange(pixels.shape[1])
    if not many_bits:
        return Reading(
            seen, tf.constant(steps[:, None], tf.int32), tf.zeros((len(steps), 0), tf.int32), 0
        )
    sources = np.maximum(steps[:, None] - np.arange(12), 0)
    return Reading(
        tf.constant(seen),
        tf.constant(sources, tf.int32),
        tf.constant(steps[:, None] % 4, tf.int32),
        4,
    )


def zeros(cell: str, batch: int = BATCH) -> list[np.ndarray]:
    return [np.zeros((batch, UNITS), np.float32) for _ in range(2 if cell == "lstm" else 1)]


def outcome(
    cell, inputs, states, weights, shared, *, sequences=True, head=(), backward=True, **options
):
    tensors = [tf.constant(v) for v in (*states, *weights, *head)]
    if not isinstance(inputs, Reading):
        tensors.append(tf.constant(inputs))
        inputs = tensors[-1]
    n = len(states)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, after = native.recurrent(
            cell,
            inputs,
            tensors[:n],
            tensors[n : n + 3],
            sequences,
            True,
            not isinstance(inputs, Reading),
            *tensors[n + 3 : n + 3 + len(head)],
            shared=shared,
            **({"shared_gradient": True} if backward and shared is not None else {}),
            **options,
        )
        loss = tf.add_n([weighted_sum(v) for v in (outputs, *after)])
    gradients = tape.gradient(loss, tensors)
    return [v.numpy() for v in (outputs, *after)], [g.numpy() for g in gradients]


def common_steps(inputs: np.ndarray, states: list[np.ndarray], a: int, b: int) -> int:
    """From the start, of sequences a and b of inputs [B, T, D]."""
    if any((state[a] != state[b]).any() for state in states):
        return 0
    differ = (inputs[a] != inputs[b]).any(axis=1)
    return int(differ.argmax()) if differ.any() else len(differ)


@pytest.mark.parametrize("many_bits", [False, True])
def test_sequences_share_what_they_have_in_common_with_the_one_that_shares_most(many_bits):
    reading, states = read(images(), many_bits), zeros("gru")
    shared = native.shared_beginnings(reading, states).numpy()
    inputs = reading.dense().numpy()
    reference = int(shared.argmax())
    common = [common_steps(inputs, states, row, reference) for row in range(BATCH)]
    # The path ends where fewer sequences are left than fill a block.
    end = sorted(common)[-ROWS]
    assert shared.max() >= end > 30
    np.testing.assert_array_equal(np.minimum(shared, end), np.minimum(common, end))
    assert all(shared <= common)


def test_what_is_shared_of_numbers_is_common_to_all_that_share_it():
    rng = np.random.default_rng(1)
    inputs = np.repeat(rng.normal(size=(1, 30, 3)), 50, axis=0).astype(np.float32)
    leaves = rng.integers(0, 31, 50)
    for row, at in enumerate(leaves):
        inputs[row, at:] += row + 1
    states = zeros("gru", 50)
    shared = native.shared_beginnings(tf.constant(inputs), states).numpy()
    end = sorted(leaves)[-ROWS]
    np.testing.assert_array_equal(np.minimum(shared, end), np.minimum(leaves, end))


def test_other_first_states_share_nothing():
    reading, (h,) = read(images(), False), zeros("gru")
    h[:20] = np.arange(1, 21)[:, None]
    shared = native.shared_beginnings(reading, [h]).numpy()
    assert not shared[:20].any()
    assert shared[20:].max() > 30
    h[:] = np.random.default_rng(0).normal(size=h.shape)
    assert not native.shared_beginnings(reading, [h]).numpy().any()


def test_sequences_that_have_nothing_in_common_and_short_ones_share_nothing():
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(40, 30, 1)), tf.float32)
    assert not native.shared_beginnings(inputs, zeros("gru", 40)).numpy().any()
    blank = tf.zeros((40, 7, 1))
    assert not native.shared_beginnings(blank, zeros("gru", 40)).numpy().any()
    assert native.shared_beginnings(inputs[:0], zeros("gru", 0)).shape == (0,)


@pytest.mark.parametrize("precision", native.PRECISIONS)
@pytest.mark.parametrize("many_bits", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_results_are_the_same_to_the_bit_and_gradients_their_sums(cell, many_bits, precision):
    reading, states = read(images(), many_bits), zeros(cell)
    width = reading.dense().shape[2]
    _, _, weights = arguments(cell, (BATCH, STEPS, width, UNITS), np.float32)
    head = np.random.default_rng(2).normal(0, 0.2, UNITS + 1).astype(np.float32)
    shared = native.shared_beginnings(reading, states)
    for options in ({}, {"sequences": False}, {"sequences": False, "head": [head]}):
        options = options | {"precision": precision}
        values, gradients = outcome(cell, reading, states, weights, shared, **options)
        apart, theirs = outcome(cell, reading, states, weights, None, **options)
        for ours, wanted in zip(values, apart, strict=True):
            np.testing.assert_array_equal(ours, wanted)
        # Sums in another order; rounded to bfloat16, what is added up is the rounded terms.
        tolerance = 1e-5 if precision == "float32" else 1e-2
        n = len(states)
        for ours, wanted in zip(gradients[n:], theirs[n:], strict=True):
            largest = np.abs(wanted).max()
            np.testing.assert_allclose(ours, wanted, rtol=0, atol=tolerance * largest)
        for ours, wanted in zip(gradients[:n], theirs[:n], strict=True):
            largest = np.abs(wanted).sum(axis=0).max()
            ours, wanted = ours.sum(axis=0), wanted.sum(axis=0)
            np.testing.assert_allclose(ours, wanted, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_common_inputs_are_summed_in_one_sequence(cell):
    inputs = read(images(), True).dense().numpy()
    states = zeros(cell)
    _, _, weights = arguments(cell, (BATCH, STEPS, inputs.shape[2], UNITS), np.float32)
    shared = native.shared_beginnings(tf.constant(inputs), states)
    _, gradients = outcome(cell, inputs, states, weights, shared)
    _, theirs = outcome(cell, inputs, states, weights, None)
    found, wanted = gradients[-1], theirs[-1]
    largest = np.abs(wanted).sum(axis=0).max()
    np.testing.assert_allclose(found.sum(axis=0), wanted.sum(axis=0), rtol=0, atol=1e-5 * largest)
    own = np.arange(STEPS) >= shared.numpy()[:, None]
    np.testing.assert_allclose(found[own], wanted[own], rtol=0, atol=1e-5 * np.abs(wanted).max())
    assert np.abs(found[~own] - wanted[~own]).max() > 0.1 * np.abs(wanted).max()


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_that_are_not_shared_are_each_sequence_s_own(cell):
    """To the bit, although the forward pass is shared."""
    inputs = read(images(), True).dense().numpy()
    states = zeros(cell)
    _, _, weights = arguments(cell, (BATCH, STEPS, inputs.shape[2], UNITS), np.float32)
    shared = native.shared_beginnings(tf.constant(inputs), states)
    assert shared.numpy().max() > 30
    found = outcome(cell, inputs, states, weights, shared, backward=False)
    wanted = outcome(cell, inputs, states, weights, None)
    for ours, theirs in zip(itertools.chain(*found), itertools.chain(*wanted), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("precision", native.PRECISIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_result_is_the_same_to_the_bit_for_any_number_of_threads(cell, precision, monkeypatch):
    reading, states = read(images(), True), zeros(cell)
    _, _, weights = arguments(cell, (BATCH, STEPS, 16, UNITS), np.float32)
    shared = native.shared_beginnings(reading, states)
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(native, "threads", lambda count=count: count)
        results = outcome(cell, reading, states, weights, shared, precision=precision)
        found.append([v.tobytes() for v in itertools.chain(*results)])
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_sequences_that_are_alike_to_the_end_end_alike(cell):
    pixels = np.zeros((40, 30), np.uint8)
    pixels[3:] = 1  # the larger group
    reading, states = read(pixels, True), zeros(cell, 40)
    shared = native.shared_beginnings(reading, states)
    assert set(shared.numpy()[3:]) == {30}
    _, _, weights = arguments(cell, (40, 30, 16, UNITS), np.float32)
    ours, apart = (outcome(cell, reading, states, weights, s)[0] for s in (shared, None))
    for found, wanted in zip(ours, apart, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_stack_shares_in_every_layer(cell):
    """Told apart by the first layer's ``input_gradient``, with which nothing is shared backward."""
    pixels, head = images(), tf.keras.layers.Dense(1)
    head.build((None, None, UNITS))
    found = []
    for input_gradient in (False, True):
        stack = RecurrentStack(cell, UNITS, 3, input_gradient=input_gradient)
        stack.build((None, None, 1))
        generator = np.random.default_rng(0)
        stack.set_weights([generator.normal(0, 0.4, w.shape) for w in stack.get_weights()])
        with tf.GradientTape() as tape:
            logits, _ = stack.logits(
                read(pixels, False), stack.zero_states(BATCH), head, training=True
            )
            loss = weighted_sum(logits)
        found.append([logits, *tape.gradient(loss, stack.trainable_variables)])
    np.testing.assert_array_equal(found[0][0], found[1][0])
    for ours, theirs in zip(found[0][1:], found[1][1:], strict=True):
        # Sums of thousands of float32 terms through three layers, in another order.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=3e-5 * np.abs(theirs).max())


def test_pieces_share_as_long_as_their_states_are_alike():
    stack = RecurrentStack("lstm", UNITS, 2)
    stack.build((None, None, 1))
    pixels = images()
    whole, _ = stack.run(read(pixels, False), stack.zero_states(BATCH))
    states, pieces = stack.zero_states(BATCH), []
    for begin, end in ((0, 25), (25, 60)):
        reading = read(pixels, False)
        piece = reading._replace(
            sources=reading.sources[begin:end], places=reading.places[begin:end]
        )
        if begin:
            assert native.shared_beginnings(piece, states).numpy().max() > 10
        outputs, states = stack.run(piece, states)
        pieces.append(outputs)
    np.testing.assert_array_equal(tf.concat(pieces, axis=1), whole)
