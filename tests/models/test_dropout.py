"""Outputs that a training drops: which, from whom, and with what gradients."""

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from scanline.models.stack import RecurrentStack

UNITS, WIDTH, STEPS, BATCH, SHARE = 40, 3, 9, 60, 0.25
SEED = tf.constant([3, 4])


def make_stack(cell: str, layers: int, **options) -> RecurrentStack:
    """A stack whose weights, biases too, are all drawn."""
    stack = RecurrentStack(cell, UNITS, layers, **options)
    stack.build((None, None, WIDTH))
    generator = np.random.default_rng(0)
    stack.set_weights([generator.normal(0, 0.2, w.shape) for w in stack.get_weights()])
    return stack


def draw_inputs(begin_alike: int = 0) -> tf.Tensor:
    inputs = np.random.default_rng(1).normal(0, 1, (BATCH, STEPS, WIDTH)).astype(np.float32)
    inputs[:, :begin_alike] = inputs[0, :begin_alike]
    return tf.constant(inputs)


def masks_of(stack: RecurrentStack, inputs, seed=SEED) -> np.ndarray:
    """What outputs are multiplied by in training, [B, T, units]; of one layer."""
    zeros = stack.zero_states(BATCH)
    with stack.dropping(SHARE, seed):
        dropped, _ = stack.run(inputs, zeros, training=True)
    return (dropped / stack.run(inputs, zeros)[0]).numpy()


def test_a_share_of_outputs_is_0_and_the_others_make_up_for_them():
    stack = make_stack("gru", 1)
    masks = masks_of(stack, draw_inputs())
    np.testing.assert_allclose(masks[masks != 0], 1 / (1 - SHARE), rtol=1e-5)
    count = BATCH * UNITS
    error = np.sqrt(SHARE * (1 - SHARE) / count)
    assert abs((masks[:, 0] == 0).mean() - SHARE) < 5 * error
    # No sequence and no unit has the drops of another.
    assert len(np.unique(masks[:, 0] == 0, axis=0)) == BATCH
    assert len(np.unique(masks[:, 0] == 0, axis=1)[0]) == UNITS


def test_a_sequence_drops_the_same_outputs_at_each_step_and_the_seed_decides_which():
    stack = make_stack("gru", 1)
    masks = masks_of(stack, draw_inputs()) == 0
    assert (masks == masks[:, :1]).all()
    assert (masks == (masks_of(stack, draw_inputs()) == 0)).all()
    for other in ([3, 5], [4, 4]):
        assert (masks != (masks_of(stack, draw_inputs(), tf.constant(other)) == 0)).any()


@pytest.mark.parametrize("core", ["auto", "keras"])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_layer_above_and_the_head_read_what_is_left(cell, core):
    """Against the report's equations, two layers, with the drops found by one layer of ones."""
    stack = make_stack(cell, 2, core=core)
    inputs = draw_inputs()
    head = keras.layers.Dense(1, bias_initializer="ones")
    head.build((None, None, UNITS))
    with stack.dropping(SHARE, SEED):
        ones = tf.ones((BATCH, STEPS, UNITS))
        masks = [stack._dropped(ones, index).numpy() for index in range(2)]
        logits, states = stack.logits(inputs, stack.zero_states(BATCH), head, training=True)
        last = stack.last(inputs, training=True)
    assert ((masks[0] == 0) != (masks[1] == 0)).any()  # each layer has drops of its own
    outputs, expected = inputs.numpy().astype(np.float64), []
    for layer, mask in zip(stack.recurrent_layers, masks, strict=True):
        zeros = (np.zeros((BATCH, UNITS)),) * stack.states_per_layer
        weights = [weight.astype(np.float64) for weight in layer.get_weights()]
        outputs, after = reference.run(cell, outputs, zeros, weights)
        expected += after  # states keep all
        outputs = outputs * mask
    kernel, bias = head.get_weights()
    np.testing.assert_allclose(logits, (outputs @ kernel + bias)[..., 0], atol=1e-5)
    np.testing.assert_allclose(last, outputs[:, -1], atol=1e-5)
    for ours, theirs in zip(states, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("cell", "layers"), [("gru", 1), ("gru", 3), ("lstm", 2)])
def test_gradients_are_those_of_keras_loop(cell, layers):
    """Of sequences that begin alike too, whose first steps the core computes once."""
    inputs, found = draw_inputs(begin_alike=6), []
    weights = np.random.default_rng(2).normal(0, 1, (BATCH, STEPS)).astype(np.float32)
    for core in ("auto", "keras"):
        stack = make_stack(cell, layers, core=core, input_gradient=False)
        head = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(seed=0))
        head.build((None, None, UNITS))
        variables = stack.trainable_variables + head.trainable_variables
        with stack.dropping(SHARE, SEED), tf.GradientTape() as tape:
            logits, _ = stack.logits(inputs, stack.zero_states(BATCH), head, training=True)
            loss = tf.reduce_sum(logits * weights)
        found.append([tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)])
    for ours, theirs in zip(*found, strict=True):
        size = np.abs(theirs).max()
        assert size > 0
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * size)


def test_nothing_is_dropped_outside_training_or_the_context_or_where_the_share_is_0():
    stack, inputs = make_stack("gru", 2), draw_inputs()
    zeros = stack.zero_states(BATCH)
    whole = stack.run(inputs, zeros)[0].numpy()
    with stack.dropping(SHARE, SEED):
        np.testing.assert_array_equal(stack.run(inputs, zeros)[0], whole)
        np.testing.assert_array_equal(stack.last(inputs), whole[:, -1])
    np.testing.assert_allclose(stack.run(inputs, zeros, training=True)[0], whole, atol=1e-6)
    with stack.dropping(0, SEED):
        np.testing.assert_allclose(stack.run(inputs, zeros, training=True)[0], whole, atol=1e-6)
