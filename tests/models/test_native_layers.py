"""Layers and stacks on the native core against Keras' own, in values and gradients."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from native_calls import NEEDS_COMPILER, weighted_sum

from scanline.models.layers import GRU, LSTM, with_core
from scanline.models.stack import RecurrentStack

pytestmark = NEEDS_COMPILER


@pytest.mark.parametrize("units", [32, 50])
@pytest.mark.parametrize("kind", ["gru", "gru_reset_after", "lstm"])
def test_layer_equals_keras_layer_in_values_and_gradients(kind, units):
    keras.utils.set_random_seed(3)
    options = dict(core="native", return_sequences=True, return_state=True)
    layer = (
        LSTM(units, **options)
        if kind == "lstm"
        else GRU(units, reset_after=kind == "gru_reset_after", **options)
    )
    layer.build((None, None, 3))
    x = tf.constant(np.random.default_rng(0).normal(size=(40, 30, 3)), tf.float32)
    found = []
    for one in (layer, layer.stock()):

        @tf.function
        def run(one=one):
            with tf.GradientTape() as tape:
                results = one(x, training=True)
                loss = tf.add_n([weighted_sum(v) for v in results])
            return results, tape.gradient(loss, one.trainable_variables)

        found.append([[v.numpy() for v in values] for values in run()])
    for ours, theirs in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("depth", [1, 3])
def test_stack_of_stock_layers_gives_the_same_outputs(cell, depth):
    stack = RecurrentStack(cell, 20, depth)
    stack.build((None, None, 2))
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 25, 2)), tf.float32)
    stock = keras.Sequential(stack.stock_layers())
    np.testing.assert_allclose(stack(x), stock(x), rtol=0, atol=1e-5)
    states = stack.zero_states(7)
    pieces = []
    for begin, end in ((0, 10), (10, 11), (11, 25)):
        outputs, states = stack.run(x[:, begin:end], states)
        pieces.append(outputs)
    np.testing.assert_array_equal(tf.concat(pieces, axis=1), stack(x))
    np.testing.assert_array_equal(stack.last(x), stack(x)[:, -1])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_stack_is_the_same_on_keras_loop_in_values_and_gradients(cell):
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 25, 2)), tf.float32)
    stacks = [RecurrentStack(cell, 20, 3, core=form) for form in ("native", "keras")]
    head = keras.layers.Dense(1)
    head.build((None, None, 20))
    found = []
    for stack in stacks:
        stack.build((None, None, 2))
        stack.set_weights(stacks[0].get_weights())
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits, _ = stack.logits(x, stack.zero_states(7), head, training=True)
            loss = weighted_sum(stack.last(x, training=True)) + weighted_sum(stack(x))
            loss += weighted_sum(logits)
        variables = [x, *stack.trainable_variables, *head.trainable_variables]
        found.append([logits, *tape.gradient(loss, variables)])
    np.testing.assert_allclose(stacks[0](x), stacks[1](x), rtol=0, atol=1e-5)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def test_saved_stack_of_stock_layers_loads_without_this_project(tmp_path):
    stack = RecurrentStack("gru", 8, 2)
    stack.build((None, None, 1))
    model = keras.Sequential([keras.Input((None, 1)), *stack.stock_layers()])
    model.save(tmp_path / "stock.keras")
    x = np.random.default_rng(0).normal(size=(3, 12, 1)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    script = (
        "import keras, numpy as np, sys; m = keras.saving.load_model('stock.keras');"
        "np.save('y.npy', m(np.load('x.npy'))); assert 'scanline' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), stack(x), rtol=0, atol=1e-5)


def test_native_is_refused_for_what_the_core_does_not_know():
    layer = GRU(8, core="native", activation="relu")
    layer.build((None, None, 1))
    with pytest.raises(ValueError, match="use 'auto' or 'keras'"):
        layer(tf.zeros((1, 2, 1)))
    with pytest.raises(ValueError, match="core is 'fast'; allowed: auto, native, keras"):
        GRU(8, core="fast")


def test_a_layer_s_older_description_says_implementation_for_core():
    older = {"units": 3, "implementation": "keras", "name": "a"}
    assert with_core(older) == {"units": 3, "core": "keras", "name": "a"}
    for keras_own in ({"units": 3, "implementation": 2}, {"units": 3, "core": "native"}):
        assert with_core(keras_own) == keras_own
    assert GRU.from_config({"units": 3, "implementation": "keras"}).core == "keras"


def test_auto_falls_back_to_keras_for_other_activations():
    keras.utils.set_random_seed(0)
    layer = GRU(8, activation="relu", return_sequences=True)
    layer.build((None, None, 1))
    x = tf.ones((2, 5, 1))
    np.testing.assert_array_equal(layer(x), layer.stock()(x))
