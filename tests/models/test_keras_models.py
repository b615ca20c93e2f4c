"""Models of Keras in which ours stand for its GRU and LSTM: trained, saved, loaded, configured."""

import keras
import numpy as np
import pytest
from keras_twins import BATCH, PAIRS, STEPS, UNITS, WIDTH, assert_alike, draw
from native_calls import NEEDS_COMPILER

pytestmark = NEEDS_COMPILER


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
