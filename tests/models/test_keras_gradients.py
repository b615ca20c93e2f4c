"""Our layers under XLA and under gradients of gradients: the same as Keras' own."""

import numpy as np
import pytest
import tensorflow as tf
from keras_twins import BATCH, STEPS, UNITS, VALUES, WIDTH, assert_alike, draw, on_core, twins
from native_calls import NEEDS_COMPILER, weighted_sum

pytestmark = NEEDS_COMPILER


def test_a_function_that_xla_compiles_runs_on_keras_loop_also_within_another(pair):
    ours, theirs = twins(pair, UNITS, return_sequences=True, use_cudnn=False)
    x = tf.constant(draw(BATCH, STEPS, WIDTH))
    compiled = tf.function(lambda x: tf.function(ours)(x) + ours(x), jit_compile=True)
    np.testing.assert_allclose(compiled(x), 2 * theirs(x), rtol=0, atol=2 * VALUES)
    compiled = tf.function(lambda x: results_of_graph(ours, x), jit_compile=True)(x)
    wanted = tf.function(lambda x: results_of_graph(theirs, x))(x)
    assert_alike(([], [v.numpy() for v in compiled]), ([], [v.numpy() for v in wanted]))
    assert on_core(ours)


def results_of_graph(layer, x):
    with tf.GradientTape() as tape:
        loss = weighted_sum(layer(x))
    return tape.gradient(loss, layer.trainable_variables)


def test_core_native_says_why_it_cannot_be_compiled_by_xla(pair):
    layer = pair[0](UNITS, core="native")
    with pytest.raises(ValueError, match="XLA"):
        tf.function(layer, jit_compile=True)(draw(BATCH, STEPS, WIDTH))


SECOND_ORDER = {
    "plain": {},
    "sequences": {"return_sequences": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
    "states": {"return_state": True},
}


@pytest.mark.parametrize(
    ("name", "graph"), [*((name, False) for name in SECOND_ORDER), ("sequences", True)]
)
def test_gradients_of_gradients(pair, name, graph):
    x = tf.constant(draw(BATCH, STEPS, WIDTH))
    found = []
    for layer in twins(pair, UNITS, **SECOND_ORDER[name]):

        def second(layer=layer):
            variables = layer.trainable_variables
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    results = tf.nest.flatten(layer(x, training=True))
                    loss = tf.add_n([weighted_sum(v) for v in results])
                first = inner.gradient(loss, [x, *variables])
                penalty = tf.add_n([weighted_sum(v * v) for v in first])
            return first, outer.gradient(penalty, [x, *variables])

        values = (tf.function(second) if graph else second)()
        found.append([[], [v.numpy() for v in tf.nest.flatten(values)]])
    assert_alike(*found)


def test_forward_mode(pair):
    x, towards = (tf.constant(draw(BATCH, STEPS, WIDTH, seed=seed)) for seed in (1, 3))
    found = []
    for layer in twins(pair, UNITS, return_sequences=True):
        kernel = layer.trainable_variables[0].value
        directions = [towards, tf.ones_like(kernel)]
        with tf.autodiff.ForwardAccumulator([x, kernel], directions) as accumulator:
            outputs = layer(x)
        found.append([[outputs.numpy()], [accumulator.jvp(outputs).numpy()]])
    assert_alike(*found)


def test_jacobians_and_hessian_vector_products(pair):
    x, towards = tf.constant(draw(2, 3, WIDTH)), tf.constant(draw(2, 3, WIDTH, seed=3))
    found = []
    for layer in twins(pair, UNITS):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x)
        jacobian = tape.jacobian(outputs, x)
        with tf.autodiff.ForwardAccumulator(x, towards) as forward:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = weighted_sum(layer(x) ** 2)
            gradient = tape.gradient(loss, x)
        product = forward.jvp(gradient)
        found.append([[], [jacobian.numpy(), product.numpy()]])
    assert_alike(*found)
