"""All that Keras' own GRU and LSTM take, ours take too: same values and gradients, call by call."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from native_calls import NEEDS_COMPILER, weighted_sum

from scanline.models.layers import GRU, LSTM

pytestmark = NEEDS_COMPILER

BATCH, STEPS, WIDTH, UNITS = 5, 7, 3, 6
# float32 rounds each of a dozen terms of size 1 by 6e-8, and other orders of the sums differ by as
# much; a wrong gate, state or order of steps is off by 0.01. Gradients add up 35 such terms.
VALUES, GRADIENTS = 1e-5, 1e-4
PAIRS = [(GRU, keras.layers.GRU), (LSTM, keras.layers.LSTM)]


@pytest.fixture(params=PAIRS, ids=["gru", "lstm"])
def pair(request):
    """Our layer's class and Keras'."""
    return request.param


def twins(pair, *arguments, width=WIDTH, **options):
    """Our layer and Keras' with the same drawn weights."""
    layers = [kind(*arguments, seed=4, **options) for kind in pair]
    for layer in layers:
        layer.build((BATCH, STEPS, width))
        generator = np.random.default_rng(0)
        layer.set_weights([generator.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layers


def draw(*shape, seed=1):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def results_of(layer, x, **given):
    """Results of a call, then the gradients of a weighted sum of them, all as float64 arrays."""
    x = tf.convert_to_tensor(x)
    differentiable = [*layer.trainable_variables, *([x] if x.dtype.is_floating else [])]
    with tf.GradientTape() as tape:
        tape.watch(x)
        results = tf.nest.flatten(layer(x, **given))
        loss = tf.add_n([tf.cast(weighted_sum(v), tf.float64) for v in results])
    gradients = tape.gradient(loss, differentiable)
    return [[np.asarray(v, np.float64) for v in values] for values in (results, gradients)]


def assert_alike(ours, theirs, values=VALUES, gradients=GRADIENTS):
    """Results and gradients alike; of a gradient, beside its largest number."""
    for mine, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=values)
    for mine, other in zip(ours[1], theirs[1], strict=True):
        largest = np.abs(other).max(initial=0)
        np.testing.assert_allclose(mine, other, rtol=0, atol=gradients * max(largest, 1e-3))


def on_core(layer, *shape, dtype=tf.float32, **given) -> bool:
    """Whether the layer's graph has the core's operation."""
    traced = tf.function(lambda x: layer(x, **given)).get_concrete_function(
        tf.TensorSpec(shape or (BATCH, STEPS, WIDTH), dtype)
    )
    return any(op.type == "ScanlineRecurrent" for op in traced.graph.get_operations())


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


def models_of(pair, make):
    """make(layer class) -> a model, with our layers and with Keras', of equal weights."""
    models = []
    for kind in pair:
        keras.utils.set_random_seed(5)
        models.append(make(kind))
    models[1].set_weights(models[0].get_weights())
    return models


def masked(kind):
    inputs = keras.Input((STEPS, WIDTH))
    outputs = kind(UNITS, return_sequences=True)(keras.layers.Masking()(inputs))
    return keras.Model(inputs, kind(UNITS)(outputs))


def embedded(kind):
    tokens = keras.Input((None,), dtype="int32")
    outputs = keras.layers.Embedding(9, WIDTH, mask_zero=True)(tokens)
    return keras.Model(tokens, kind(UNITS)(outputs))


def both_ways(kind):
    layer = keras.layers.Bidirectional(kind(UNITS, return_sequences=True))
    return keras.Sequential([keras.Input((STEPS, WIDTH)), layer, kind(UNITS)])


def distributed(kind):
    layer = keras.layers.TimeDistributed(kind(UNITS))
    return keras.Sequential([keras.Input((4, STEPS, WIDTH)), layer])


def encoder_decoder(kind):
    """States are symbolic, from another layer."""
    first, second = keras.Input((None, WIDTH)), keras.Input((None, WIDTH))
    _, *states = kind(UNITS, return_state=True)(first)
    outputs = kind(UNITS, return_sequences=True)(second, initial_state=states)
    return keras.Model([first, second], outputs)


def stateful(kind):
    inputs = keras.Input(batch_shape=(BATCH, STEPS, WIDTH))
    return keras.Model(inputs, kind(UNITS, stateful=True)(inputs))


def sequence_with_padding():
    x = draw(BATCH, STEPS, WIDTH)
    x[:3, 4:] = 0
    return x


MODELS = {
    "Masking": (masked, sequence_with_padding()),
    "Embedding": (embedded, np.random.default_rng(0).integers(0, 9, (BATCH, STEPS))),
    "Bidirectional": (both_ways, draw(BATCH, STEPS, WIDTH)),
    "TimeDistributed": (distributed, draw(BATCH, 4, STEPS, WIDTH)),
    "states from a layer": (
        encoder_decoder,
        (draw(BATCH, 4, WIDTH, seed=2), draw(BATCH, STEPS, WIDTH)),
    ),
    "stateful": (stateful, draw(BATCH, STEPS, WIDTH)),
}


# What is one for both cells is compiled once: each case takes seconds.
GRUS, LSTMS = PAIRS
COMPILED = [(pair, name, "auto") for name in MODELS for pair in PAIRS]
COMPILED.remove((LSTMS, "Masking", "auto"))
COMPILED.remove((LSTMS, "TimeDistributed", "auto"))
COMPILED.remove((GRUS, "Embedding", "auto"))
COMPILED += [(GRUS, "Bidirectional", True), (LSTMS, "Masking", False)]


@pytest.mark.filterwarnings("ignore:Model doesn't support `jit_compile=True`")  # as Keras' own
@pytest.mark.parametrize(
    ("pair", "name", "jit_compile"),
    COMPILED,
    ids=[f"{pair[0].__name__}-{name}-{jit}" for pair, name, jit in COMPILED],
    indirect=["pair"],
)
def test_models_learn_and_predict_as_with_keras_layers(pair, name, jit_compile):
    make, x = MODELS[name]
    found = []
    for model, jit in zip(models_of(pair, make), (jit_compile, False), strict=True):
        model.compile("sgd", "mse", jit_compile=jit)
        target = draw(*model(x).shape)
        before = model.predict(x, verbose=0, batch_size=BATCH)
        history = model.fit(x, target, epochs=2, verbose=0, shuffle=False, batch_size=BATCH)
        found.append([[before, *history.history["loss"]], model.get_weights()])
    assert_alike(*found)


@pytest.mark.parametrize("name", MODELS)
def test_models_come_back_from_a_file_and_from_their_config(pair, name, tmp_path):
    make, x = MODELS[name]
    model, _ = models_of(pair, make)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    first = model(x)
    for other in (loaded, cloned):
        if name != "stateful":
            np.testing.assert_array_equal(other(x), first)
        assert [type(layer) for layer in other.layers] == [type(layer) for layer in model.layers]


def test_configs_of_keras_own_layers_and_of_files_from_before(pair):
    ours, theirs = pair
    config = theirs(UNITS, activation="relu", go_backwards=True).get_config()
    for implementation in (0, 1, 2):
        layer = ours.from_config(config | {"implementation": implementation})
        assert layer.core == "auto"
        assert layer.cell.implementation == (1 if implementation == 1 else implementation)
    old = ours.from_config(ours(UNITS).get_config() | {"implementation": "keras"})
    assert old.core == "keras"
    assert ours.from_config(old.get_config()).core == "keras"


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


def test_what_keras_layers_refuse_ours_refuse_as_well(pair):
    for kind in pair:
        with pytest.raises((TypeError, ValueError), match="time_major"):
            kind(UNITS, time_major=True)
        with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
            kind(UNITS)(draw(BATCH, WIDTH))
