"""Stacks of recurrent layers against NumPy from the report's equations, in value and gradient."""

import json
import zipfile

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from scanline.models.stack import RecurrentStack

KINDS = [  # cell, layers, residual
    *(("gru", 1, False), ("gru", 3, False), ("lstm", 1, False), ("lstm", 3, False)),
    *(("gru", 3, True), ("lstm", 2, True)),
]
UNITS, WIDTH, STEPS = 5, 3, 9

# float32 rounds each of a dozen terms of size 1 by 6e-8, and the weights below, of size 0.7, may
# pass an error on to the next step and layer somewhat enlarged. A wrong gate is off by 0.01.
TOLERANCE = 1e-5
# The same numbers, but products of other shapes may add up in another order.
REORDERED = 2e-6


def make_stack(
    cell: str,
    layers: int,
    residual: bool = False,
    units: int = UNITS,
    width: int = WIDTH,
    core: str = "auto",
):
    """A stack whose weights, biases too, are all drawn."""
    stack = RecurrentStack(cell, units, layers, core, residual=residual)
    stack.build((None, None, width))
    generator = np.random.default_rng(0)
    stack.set_weights([generator.normal(0, 0.7, w.shape) for w in stack.get_weights()])
    return stack


def weights_of(stack: RecurrentStack) -> list[list[np.ndarray]]:
    """float64 copies of each layer's kernel, recurrent_kernel and bias."""
    return [
        [weight.astype(np.float64) for weight in layer.get_weights()]
        for layer in stack.recurrent_layers
    ]


def by_equations(cell: str, inputs, states, weights, residual=False):
    """The layers one above the other: outputs [B, T, U], and the states layer by layer.

    In a ``residual`` stack each layer reads the sum of what those below give, and the inputs.
    """
    each = len(states) // len(weights)
    after: list[np.ndarray] = []
    read, total = inputs, 0
    for index, layer in enumerate(weights):
        own = tuple(states[each * index : each * (index + 1)])
        outputs, own = reference.run(cell, read, own, layer)
        after += own
        total = total + outputs if residual else outputs
        read = np.concatenate([total, inputs], axis=2) if residual else total
    return total, after


def draw(stack: RecurrentStack, batch: int, steps: int = STEPS, width: int = WIDTH, seed: int = 1):
    """Inputs [batch, steps, width] and states that are not zero, all float32."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(0, 1, (batch, steps, width)).astype(np.float32)
    count = stack.depth * stack.states_per_layer
    states = generator.normal(0, 0.5, (count, batch, stack.units)).astype(np.float32)
    return tf.constant(inputs), tuple(tf.constant(state) for state in states)


def wide(values) -> list[np.ndarray]:
    return [value.numpy().astype(np.float64) for value in values]


def check(outputs, states, inputs, before, stack, tolerance=TOLERANCE):
    """Outputs and states of a run, in their order, against the equations'."""
    x, *given = wide((inputs, *before))
    expected, after = by_equations(stack.cell, x, given, weights_of(stack), stack.residual)
    np.testing.assert_allclose(outputs.numpy(), expected, rtol=0, atol=tolerance)
    for ours, theirs in zip(states, after, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=tolerance)


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(map(str, kind)))
def stack(request) -> RecurrentStack:
    return make_stack(*request.param)


@pytest.mark.parametrize("core", ["auto", "keras"])
@pytest.mark.parametrize(("cell", "layers", "residual"), KINDS)
def test_a_run_equals_the_equations(cell, layers, residual, core):
    stack = make_stack(cell, layers, residual, core=core)
    inputs, before = draw(stack, 4)
    check(*stack.run(inputs, before), inputs, before, stack)


def test_a_compiled_run_equals_the_equations_whatever_the_batch_and_length(stack):
    """One trace, of unknown sizes; a ragged last batch and odd lengths among them."""
    traces = []

    @tf.function
    def run(inputs, states):
        traces.append(1)
        return stack.run(inputs, states)

    count = stack.depth * stack.states_per_layer
    of_any_size = run.get_concrete_function(
        tf.TensorSpec([None, None, WIDTH]),
        tuple(tf.TensorSpec([None, UNITS]) for _ in range(count)),
    )
    for batch, steps in [(1, 1), (2, 8), (15, 7), (16, 9), (17, 16), (33, 3), (97, 2)]:
        inputs, before = draw(stack, batch, steps, seed=batch)
        check(*of_any_size(inputs, before), inputs, before, stack)
    assert len(traces) == 1


@pytest.mark.parametrize(("units", "width"), [(1, 1), (15, 1), (16, 2), (17, 38), (40, 1)])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_units_and_inputs_of_any_number(cell, units, width):
    """Numbers that do not fill a vector register too; smaller weights for wider sums."""
    stack = make_stack(cell, 2, units=units, width=width)
    stack.set_weights([weight / np.sqrt(max(units, width)) for weight in stack.get_weights()])
    inputs, before = draw(stack, 3, width=width)
    check(*stack.run(inputs, before), inputs, before, stack)


def test_steps_one_by_one_equal_a_run_and_end_in_its_states(stack):
    inputs, states = draw(stack, 4)
    whole, after = stack.run(inputs, states)
    for t in range(STEPS):
        output, states = stack.step(inputs[:, t], states)
        np.testing.assert_allclose(output, whole[:, t], rtol=0, atol=REORDERED)
    for ours, theirs in zip(states, after, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=REORDERED)


def test_steps_in_a_compiled_loop_equal_the_equations(stack):
    inputs, before = draw(stack, 4)

    @tf.function
    def loop(inputs, states):
        outputs = tf.TensorArray(tf.float32, STEPS)
        for t in tf.range(STEPS):
            output, states = stack.step(inputs[:, t], states)
            outputs = outputs.write(t, output)
        return tf.transpose(outputs.stack(), (1, 0, 2)), states

    check(*loop(inputs, before), inputs, before, stack)


def test_last_and_call_start_from_the_zero_state(stack):
    inputs, states = draw(stack, 4)
    zeros = [np.zeros((4, UNITS)) for _ in states]
    expected, _ = by_equations(
        stack.cell, *wide([inputs]), zeros, weights_of(stack), stack.residual
    )
    np.testing.assert_allclose(stack(inputs), expected, rtol=0, atol=TOLERANCE)
    for last in (stack.last, tf.function(stack.last)):
        np.testing.assert_allclose(last(inputs), expected[:, -1], rtol=0, atol=TOLERANCE)


def test_the_shape_that_is_told_is_that_of_the_outputs(stack):
    inputs = np.zeros((3, 7, WIDTH), np.float32)
    assert stack.compute_output_shape(inputs.shape) == tuple(stack(inputs).shape)


def test_zero_states_are_zeros_for_every_layer(stack):
    states = stack.zero_states(4)
    assert [tuple(state.shape) for state in states] == [(4, UNITS)] * (
        {"gru": 1, "lstm": 2}[stack.cell] * stack.depth
    )
    assert not np.any(states)


def test_states_are_in_the_order_of_the_layers_and_an_lstm_s_output_is_before_its_cell():
    """An LSTM's outputs stay below 1; its cells, here driven far, do not."""
    stack = make_stack("lstm", 3)
    for layer in stack.recurrent_layers:
        kernel, recurrent_kernel, _ = layer.get_weights()
        bias = np.repeat([9.0, 9.0, 9.0, 9.0], UNITS)  # all gates open, candidates near 1
        layer.set_weights([0 * kernel, 0 * recurrent_kernel, bias])
    inputs, _ = draw(stack, 2)
    _, states = stack.run(inputs, stack.zero_states(2))
    for place, state in enumerate(states):
        if place % 2:
            assert (state.numpy() > STEPS - 0.1).all()
        else:
            assert (np.abs(state) <= 1).all()
    # What is changed in the state of one layer reaches those above it alone.
    stack = make_stack("lstm", 3)
    inputs, states = draw(stack, 2, steps=1)
    _, after = stack.run(inputs, states)
    for layer in range(3):
        changed = list(states)
        changed[2 * layer] = changed[2 * layer] + 1
        _, other = stack.run(inputs, tuple(changed))
        differ = [bool(np.any(a != b)) for a, b in zip(after, other, strict=True)]
        assert differ == [place >= 2 * layer for place in range(6)]


def test_a_sequence_does_not_see_the_others_of_its_batch(stack):
    inputs, before = draw(stack, 19)
    outputs, _ = stack.run(inputs, before)
    for row in (0, 7, 18):
        alone, _ = stack.run(inputs[row : row + 1], tuple(s[row : row + 1] for s in before))
        np.testing.assert_allclose(alone[0], outputs[row], rtol=0, atol=REORDERED)


def test_gates_that_are_shut_and_open_wide_give_no_nan(stack):
    """Pre-activations of several hundreds: sigmoid and tanh at their limits."""
    stack.set_weights([weight * 300 for weight in stack.get_weights()])
    inputs, before = draw(stack, 4, steps=1)
    outputs, states = stack.run(inputs, before)
    with np.errstate(over="ignore"):  # of the oracle's plain sigmoid, whose limit is right
        # float32 rounds terms of 300 by 2e-5 each, which half a dozen gates may pass on.
        check(outputs, states, inputs, before, stack, tolerance=1e-4)


def gradients(run, stack, inputs, states, factors):
    """Autodiff's gradients, by inputs, states and all weights, of a weighted sum of all results."""
    with tf.GradientTape() as tape:
        tape.watch((inputs, states))
        outputs, after = run(inputs, states)
        loss = tf.add_n(
            [
                tf.reduce_sum(value * tf.constant(factor, tf.float32))
                for value, factor in zip((outputs, *after), factors, strict=True)
            ]
        )
    return tape.gradient(loss, [inputs, *states, *stack.trainable_variables])


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(("cell", "layers", "residual"), KINDS)
def test_gradients_equal_difference_quotients_of_the_equations(cell, layers, residual, compiled):
    units, width, batch, steps = 3, 2, 3, 5
    stack = make_stack(cell, layers, residual, units, width)
    inputs, before = draw(stack, batch, steps, width)
    generator = np.random.default_rng(2)
    factors = [generator.normal(size=(batch, steps, units))]
    factors += [generator.normal(size=(batch, units)) for _ in before]
    x, *states = wide((inputs, *before))
    weights = weights_of(stack)
    arrays = [x, *states, *(weight for layer in weights for weight in layer)]

    def loss() -> float:
        outputs, after = by_equations(cell, x, states, weights, residual)
        values = zip((outputs, *after), factors, strict=True)
        return sum((value * factor).sum() for value, factor in values)

    run = tf.function(stack.run) if compiled else stack.run
    for found, array in zip(gradients(run, stack, inputs, before, factors), arrays, strict=True):
        # Five places of each array, by central differences, whose own error is about 1e-9.
        for place in generator.integers(0, array.size, 5):
            value, ends = array.flat[place], []
            for moved in (value + 1e-5, value - 1e-5):
                array.flat[place] = moved
                ends.append(loss())
            array.flat[place] = value
            slope = (ends[0] - ends[1]) / 2e-5
            # float32: sums over batch and steps of up to 15 terms, some of them of size 5.
            assert found.numpy().flat[place] == pytest.approx(slope, rel=1e-5, abs=5e-5)


def test_a_gradient_flows_through_the_states_between_pieces(stack):
    inputs, before = draw(stack, 4)
    generator = np.random.default_rng(2)
    factors = [generator.normal(size=(4, STEPS, UNITS))]
    factors += [generator.normal(size=(4, UNITS)) for _ in before]

    def in_pieces(inputs, states):
        parts = []
        for piece in tf.split(inputs, (2, 7), axis=1):
            part, states = stack.run(piece, states)
            parts.append(part)
        return tf.concat(parts, axis=1), states

    pieces = gradients(in_pieces, stack, inputs, before, factors)
    whole = gradients(stack.run, stack, inputs, before, factors)
    for ours, theirs in zip(pieces, whole, strict=True):
        # float32 sums over 4 sequences of 9 steps, in another order.
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("stack", [kind for kind in KINDS if not kind[2]], indirect=True, ids=str)
def test_stock_layers_are_keras_own_in_what_they_say_and_in_their_file(stack, tmp_path):
    inputs, _ = draw(stack, 4)
    stock = keras.Sequential([keras.Input((None, WIDTH)), *stack.stock_layers()])
    zeros = [np.zeros((4, UNITS)) for _ in stack.zero_states(4)]
    expected, _ = by_equations(stack.cell, *wide([inputs]), zeros, weights_of(stack))
    np.testing.assert_allclose(stock(inputs), expected, rtol=0, atol=TOLERANCE)
    stock.save(tmp_path / "stock.keras")
    with zipfile.ZipFile(tmp_path / "stock.keras") as file:
        layers = json.loads(file.read("config.json"))["config"]["layers"]
    name = {"gru": "GRU", "lstm": "LSTM"}[stack.cell]
    assert [(each["module"], each["class_name"]) for each in layers[1:]] == [
        ("keras.layers", name)
    ] * stack.depth
    assert not [each for each in layers if each["registered_name"]]


def test_an_unknown_cell_and_an_unknown_core_are_refused():
    with pytest.raises(ValueError, match="cell is 'rnn'; allowed: gru, lstm"):
        RecurrentStack("rnn", 4, 1)
    with pytest.raises(ValueError, match="core is 'fast'; allowed: auto, native, keras"):
        RecurrentStack("gru", 4, 1, core="fast")


@pytest.mark.parametrize("core", ["auto", "native", "keras"])
@pytest.mark.parametrize("input_gradient", [True, False])
def test_a_stack_is_made_again_from_its_config(core, input_gradient):
    options = dict(core=core, input_gradient=input_gradient, name="stack")
    stack = RecurrentStack("lstm", UNITS, 2, **options)
    again = RecurrentStack.from_config(stack.get_config())
    assert again.get_config() == stack.get_config()
    for ours, theirs in zip(again.recurrent_layers, stack.recurrent_layers, strict=True):
        assert ours.get_config() == theirs.get_config()
        assert ours.core == core
        assert ours.input_gradient is theirs.input_gradient
    assert again.recurrent_layers[0].input_gradient is input_gradient
