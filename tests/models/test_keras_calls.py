"""All that Keras' own GRU and LSTM take, ours take too: same values and gradients, call by call."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_twins import (
    BATCH,
    PAIRS,
    STEPS,
    UNITS,
    VALUES,
    WIDTH,
    assert_alike,
    draw,
    on_core,
    results_of,
    twins,
)
from native_calls import NEEDS_COMPILER, weighted_sum

from scanline.models.layers import LSTM

pytestmark = NEEDS_COMPILER

ON_CORE, ON_KERAS_LOOP = True, False
OPTIONS = {
    "plain": ({}, ON_CORE),
    "return_sequences": ({"return_sequences": True}, ON_CORE),
    "return_state": ({"return_state": True}, ON_CORE),
    "sequences and state": ({"return_sequences": True, "return_state": True}, ON_CORE),
    "go_backwards": ({"go_backwards": True, "return_sequences": True}, ON_CORE),
    "go_backwards, last": ({"go_backwards": True, "return_state": True}, ON_CORE),
    "unroll": ({"unroll": True, "return_sequences": True}, ON_CORE),
    "float64": ({"dtype": "float64"}, ON_CORE),
    "use_cudnn False": ({"use_cudnn": False}, ON_CORE),
    "regularised": ({"kernel_regularizer": "l2", "activity_regularizer": "l1"}, ON_CORE),
    "constrained": ({"kernel_constraint": "non_neg", "bias_initializer": "ones"}, ON_CORE),
    "implementation 0": ({"implementation": 0}, ON_CORE),
    "implementation 1": ({"implementation": 1}, ON_CORE),
    "implementation 2": ({"implementation": 2}, ON_CORE),
    "no bias": ({"use_bias": False}, ON_KERAS_LOOP),
    "relu": ({"activation": "relu"}, ON_KERAS_LOOP),
    "linear": ({"activation": None}, ON_KERAS_LOOP),
    "hard sigmoid": ({"recurrent_activation": "hard_sigmoid"}, ON_KERAS_LOOP),
    "mixed_bfloat16": ({"dtype": "mixed_bfloat16"}, ON_KERAS_LOOP),
    "mixed_float16": ({"dtype": "mixed_float16"}, ON_KERAS_LOOP),
    "dropout": ({"dropout": 0.5}, ON_KERAS_LOOP),
    "recurrent_dropout": ({"recurrent_dropout": 0.5}, ON_KERAS_LOOP),
    "both, implementation 1": (
        {"dropout": 0.3, "recurrent_dropout": 0.3, "implementation": 1},
        ON_KERAS_LOOP,
    ),
}


def in_training_and_after() -> list[tuple[str, bool]]:
    """Each option in training; after it, those that then do otherwise."""
    after = [name for name, (given, _) in OPTIONS.items() if not given or "dropout" in str(given)]
    return [*((name, True) for name in OPTIONS), *((name, False) for name in after)]


@pytest.mark.parametrize(("name", "training"), in_training_and_after())
def test_each_option_gives_what_keras_gives(pair, name, training):
    options, native = OPTIONS[name]
    ours, theirs = twins(pair, UNITS, **options)
    x = draw(BATCH, STEPS, WIDTH)
    found, wanted = (results_of(layer, x, training=training) for layer in (ours, theirs))
    assert_alike(found, wanted)
    assert [v.dtype for v in tf.nest.flatten(ours(x))] == [
        v.dtype for v in tf.nest.flatten(theirs(x))
    ]
    assert on_core(ours) == native


def test_reset_after_and_before(pair):
    if pair[0] is LSTM:
        pytest.skip("an LSTM resets nothing")
    for reset_after in (False, True):
        ours, theirs = twins(pair, UNITS, reset_after=reset_after, return_state=True)
        x = draw(BATCH, STEPS, WIDTH)
        assert_alike(results_of(ours, x), results_of(theirs, x))


def test_an_activation_by_position(pair):
    ours, theirs = twins(pair, UNITS, "relu", "tanh")
    x = draw(BATCH, STEPS, WIDTH)
    assert_alike(results_of(ours, x), results_of(theirs, x))


@pytest.mark.parametrize("dtype", ["int32", "int64", "int8", "uint8", "bool", "float16", "float64"])
def test_inputs_of_each_type(pair, dtype):
    ours, theirs = twins(pair, UNITS, return_sequences=True)
    x = (draw(BATCH, STEPS, WIDTH) > 0).astype(dtype)
    assert_alike(results_of(ours, x), results_of(theirs, x))
    assert on_core(ours, dtype=tf.as_dtype(dtype))


def test_inputs_of_float64_to_a_layer_of_float64(pair):
    ours, theirs = twins(pair, UNITS, dtype="float64", return_sequences=True)
    x = draw(BATCH, STEPS, WIDTH).astype(np.float64)
    assert_alike(results_of(ours, x), results_of(theirs, x), values=1e-13, gradients=1e-12)
    for layer in (ours, theirs):
        assert layer(x.astype(np.int64)).dtype == tf.float64


def test_inputs_of_no_features(pair):
    ours, theirs = twins(pair, UNITS, width=0, return_sequences=True)
    x = draw(BATCH, STEPS, 0)
    assert_alike(results_of(ours, x), results_of(theirs, x))


@pytest.mark.parametrize("shape", [(BATCH, 1, WIDTH), (1, STEPS, WIDTH)])
def test_inputs_of_few_sequences_and_steps(pair, shape):
    ours, theirs = twins(pair, UNITS, return_sequences=True, return_state=True)
    x = draw(*shape)
    assert_alike(results_of(ours, x), results_of(theirs, x))


@pytest.mark.parametrize("known", [(None, None, WIDTH), (BATCH, None, WIDTH), (None, STEPS, WIDTH)])
def test_inputs_of_unknown_shape(pair, known):
    x = draw(BATCH, STEPS, WIDTH)
    for options in ({"return_sequences": True}, {"go_backwards": True}):
        ours, theirs = twins(pair, UNITS, **options)
        graphs = [
            tf.function(layer, input_signature=[tf.TensorSpec(known)]) for layer in (ours, theirs)
        ]
        np.testing.assert_allclose(graphs[0](x), graphs[1](x), rtol=0, atol=VALUES)
        shapes = [graph.get_concrete_function().output_shapes.as_list() for graph in graphs]
        assert shapes[0] == shapes[1]
        assert on_core(ours, *known)


STATES = {
    "tensor": tf.constant,
    "array": lambda values: values,
    "variable": tf.Variable,
    "Keras variable": keras.Variable,
    "integers": lambda values: tf.cast(2 * values, tf.int32),
    "bool": lambda values: values > 0,
    "float64": lambda values: tf.cast(values, tf.float64),
}


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("container", [list, tuple])
def test_initial_states_of_each_kind(pair, kind, container):
    ours, theirs = twins(pair, UNITS, return_sequences=True, return_state=True)
    count = len(ours.state_size)
    states = container(STATES[kind](draw(BATCH, UNITS, seed=2 + i)) for i in range(count))
    x = draw(BATCH, STEPS, WIDTH)
    assert_alike(
        results_of(ours, x, initial_state=states), results_of(theirs, x, initial_state=states)
    )
    if kind in ("tensor", "integers") and container is list:
        assert on_core(ours, initial_state=states)


def test_an_initial_state_that_is_a_bare_tensor():
    ours, theirs = twins(PAIRS[0], UNITS, return_state=True)
    x, state = draw(BATCH, STEPS, WIDTH), draw(BATCH, UNITS)
    for given in (state, tf.constant(state), tf.Variable(state), tf.cast(2 * state, tf.int64)):
        assert_alike(
            results_of(ours, x, initial_state=given), results_of(theirs, x, initial_state=given)
        )


def test_gradients_of_initial_states(pair):
    ours, theirs = twins(pair, UNITS, return_sequences=True)
    states = [tf.Variable(draw(BATCH, UNITS, seed=i)) for i in range(len(ours.state_size))]
    x = draw(BATCH, STEPS, WIDTH)
    found = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            loss = weighted_sum(layer(x, initial_state=states))
        found.append([[], [v.numpy() for v in tape.gradient(loss, states)]])
    assert_alike(*found)


def test_a_state_kept_between_calls(pair):
    ours, theirs = twins(pair, UNITS, stateful=True, return_sequences=True, return_state=True)
    for seed in range(3):
        x = draw(BATCH, STEPS, WIDTH, seed=seed)
        assert_alike(results_of(ours, x), results_of(theirs, x))
    for layer in (ours, theirs):
        layer.reset_state()
    x = draw(BATCH, STEPS, WIDTH)
    assert_alike(results_of(ours, x), results_of(theirs, x))
    with pytest.raises(ValueError, match="batch size"):
        ours(draw(BATCH + 1, STEPS, WIDTH))
    assert on_core(ours)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_masks(pair, zeros, backwards):
    ours, theirs = twins(
        pair,
        UNITS,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=zeros,
        go_backwards=backwards,
    )
    mask = tf.constant(draw(BATCH, STEPS) > 0)
    x = draw(BATCH, STEPS, WIDTH)
    assert_alike(results_of(ours, x, mask=mask), results_of(theirs, x, mask=mask))
    assert not on_core(ours, mask=mask)


def test_what_keras_layers_refuse_ours_refuse_as_well(pair):
    for kind in pair:
        with pytest.raises((TypeError, ValueError), match="time_major"):
            kind(UNITS, time_major=True)
        with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
            kind(UNITS)(draw(BATCH, WIDTH))
