"""Inputs told as places: the native core's look-ups against the same inputs as an array."""

import numpy as np
import pytest
import reference
import tensorflow as tf
from native_calls import CELLS, FORMS, NEEDS_COMPILER, arguments, available, weighted_sum

from scanline.models import native
from scanline.models.predictor import Predictor
from scanline.models.reading import Reading

BATCH, STEPS, UNITS, SEEN = 37, 19, 21, 30
# Bits and one-hot inputs: few bits are multiplied, many are looked up; with places and without.
READ = [(1, 0), (3, 6), (8, 0), (9, 5), (20, 12)]


def draw(bits: int, place_rows: int, by_source: bool = False, steps: int = STEPS) -> Reading:
    rng = np.random.default_rng(3)
    seen = rng.integers(0, 2, (BATCH, SEEN)).astype(np.uint8)
    places = np.zeros((steps, 0), np.int32)
    if place_rows:  # two, each in its own half
        places = rng.integers([0, place_rows // 2], [place_rows // 2, place_rows], (steps, 2))
    return Reading(
        tf.constant(seen.T if by_source else seen),
        tf.constant(rng.integers(0, SEEN, (steps, bits)), tf.int32),
        tf.constant(places, tf.int32),
        place_rows,
        by_source,
    )


def by_loops(reading: Reading) -> np.ndarray:
    """The inputs [B, T, D], one by one."""
    steps, bits = reading.sources.shape
    seen = reading.seen.numpy().T if reading.by_source else reading.seen.numpy()
    found = np.zeros((BATCH, steps, bits + reading.place_rows), np.float32)
    for t in range(steps):
        for d, source in enumerate(reading.sources[t].numpy()):
            found[:, t, d] = seen[:, source]
        for place in reading.places[t].numpy():
            found[:, t, bits + place] = 1
    return found


def outcome(cell, inputs, states, weights, **options):
    tensors = [tf.constant(v) for v in (*states, *weights)]
    n = len(states)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, after = native.recurrent(
            cell, inputs, tensors[:n], tensors[n:], True, True, False, **options
        )
        loss = tf.add_n([weighted_sum(v) for v in (outputs, *after)])
    return [outputs, *after], tape.gradient(loss, tensors)


@pytest.mark.parametrize("by_source", [False, True])
@pytest.mark.parametrize(("bits", "place_rows"), READ)
def test_dense_inputs_are_those_that_a_loop_finds(bits, place_rows, by_source):
    reading = draw(bits, place_rows, by_source)
    found = reading.dense()
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, by_loops(reading))
    assert (reading.batch, reading.steps) == (BATCH, STEPS)


@NEEDS_COMPILER
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_looked_up_inputs_are_the_equations(cell, form, monkeypatch):
    available(form, monkeypatch)
    for bits, place_rows in READ:
        for by_source in (False, True):
            reading = draw(bits, place_rows, by_source)
            width = bits + place_rows
            _, states, weights = arguments(cell, (BATCH, STEPS, width, UNITS), np.float32)
            (outputs, *after), _ = outcome(cell, reading, states, weights)
            exact = [v.astype(np.float64) for v in (*states, *weights)]
            n = len(states)
            wanted, last = reference.run(cell, by_loops(reading), tuple(exact[:n]), exact[n:])
            # float32: sums of up to 50 terms of size 1.
            np.testing.assert_allclose(outputs, wanted, rtol=0, atol=1e-5)
            np.testing.assert_allclose(after[0], last[0], rtol=0, atol=1e-5)


@NEEDS_COMPILER
@pytest.mark.parametrize("precision", native.PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_looked_up_inputs_have_the_gradients_of_dense_ones(cell, form, precision, monkeypatch):
    """In Keras' layout: a row of the kernel for each bit and each one-hot input."""
    available(form, monkeypatch)
    # Rows that are added are not rounded, those of dense inputs are.
    tolerance = 1e-5 if precision == "float32" else 2e-2
    for bits, place_rows in READ:
        reading = draw(bits, place_rows)
        _, states, weights = arguments(cell, (BATCH, STEPS, bits + place_rows, UNITS), np.float32)
        _, found = outcome(cell, reading, states, weights, precision=precision)
        dense = tf.constant(by_loops(reading))
        _, wanted = outcome(cell, dense, states, weights, precision=precision)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours.shape == theirs.shape
            largest = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("by_source", [False, True])
def test_sizes_are_told_also_where_they_are_not_known_before(by_source):
    given = draw(3, 6, by_source)
    assert (given.batch, given.steps) == (BATCH, STEPS)
    unknown = [tf.TensorSpec([None, None], each.dtype) for each in given[:3]]

    @tf.function(input_signature=unknown)
    def sizes(seen, sources, places):
        reading = Reading(seen, sources, places, 6, by_source)
        return reading.batch, reading.steps, reading.dense()

    batch, steps, dense = sizes(*given[:3])
    assert (int(batch), int(steps)) == (BATCH, STEPS)
    np.testing.assert_array_equal(dense, given.dense())


@NEEDS_COMPILER
@pytest.mark.parametrize("by_source", [False, True])
def test_one_step_is_the_first_of_many(by_source):
    many = draw(20, 12, by_source)
    one = many._replace(sources=many.sources[:1], places=many.places[:1])
    _, states, weights = arguments("gru", (BATCH, STEPS, 32, UNITS), np.float32)
    (first, *_), _ = outcome("gru", one, states, weights)
    (whole, *_), _ = outcome("gru", many, states, weights)
    np.testing.assert_array_equal(first[:, 0], whole[:, 0])


@NEEDS_COMPILER
def test_a_place_outside_of_what_there_is_is_refused_by_name():
    good = draw(9, 6)
    _, states, weights = arguments("gru", (BATCH, STEPS, 15, UNITS), np.float32)
    for bad, words in (
        ({"sources": good.sources + SEEN}, f"sources has .*; allowed: 0 to {SEEN - 1}"),
        ({"sources": good.sources - SEEN}, "sources has -"),
        ({"places": good.places + 6}, "places has .*; allowed: 0 to 5"),
        ({"places": good.places[:-1]}, r"places has shape \[18, 2\]; wanted: \[19, 2\]"),
        ({"places": good.places[:, :0]}, r"kernel has shape \[15, 63\]; wanted: \[9, 63\]"),
        ({"seen": good.seen[:-1]}, r"seen has shape \[36, 30\]; wanted: "),
    ):
        reading = good._replace(**bad)
        x = tf.zeros((BATCH, STEPS, 0))
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            native.library().scanline_recurrent(
                x=x,
                seen=reading.seen,
                sources=reading.sources,
                places=reading.places,
                shared=tf.zeros(0, tf.int32),
                h=states[0],
                c=tf.zeros((0, 0)),
                kernel=weights[0],
                recurrent_kernel=weights[1],
                bias=weights[2],
                head=tf.zeros(0),
                cell="gru",
                precision="float32",
                sequences=True,
                by_source=False,
                keep=False,
                threads=1,
            )


@NEEDS_COMPILER
@pytest.mark.parametrize("inputs", ["previous", "context"])
def test_a_predictor_says_the_same_on_keras_loop(inputs):
    models = [Predictor("gru", 9, 2, {"rows": 6, "columns": 7}, inputs, seed=1) for _ in range(2)]
    for layer in models[1].stack.recurrent_layers:
        layer.core = "keras"
    pixels = np.random.default_rng(0).integers(0, 2, (20, 42)).astype(np.uint8)
    found = []
    for model in models:
        with tf.GradientTape() as tape:
            logits = model(pixels, training=True)
            loss = weighted_sum(logits)
        found.append([logits, *tape.gradient(loss, model.trainable_variables)])
    for ours, theirs in zip(*found, strict=True):
        largest = max(np.abs(theirs).max(), 1)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * largest)
