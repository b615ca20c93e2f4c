"""What a model starts from and is read back from: gate biases, and files that are refused."""

import numpy as np
import pytest
from hostile_model import save_hostile_model

from scanline.models.classifier import Classifier, load_classifier
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor, load_predictor
from scanline.models.stack import RecurrentStack

STEPS = 784
CELLS = ("gru", "lstm")


def stack_of(cell: str, units: int = 6, layers: int = 2) -> RecurrentStack:
    """A stack whose weights, biases too, are drawn."""
    stack = RecurrentStack(cell, units, layers)
    stack.build((None, None, 1))
    generator = np.random.default_rng(0)
    stack.set_weights([generator.normal(size=w.shape) for w in stack.get_weights()])
    return stack


def biases(stack: RecurrentStack) -> list[list[np.ndarray]]:
    """The bias of each gate, layer by layer: z, r, h (GRU) or i, f, c, o (LSTM)."""
    gates = 3 if stack.cell == "gru" else 4
    return [np.split(layer.get_weights()[2], gates) for layer in stack.recurrent_layers]


def kept_share(stack: RecurrentStack) -> np.ndarray:
    """What is left of a state of ones after one step that brings nothing new.

    Without kernels and with a candidate of tanh(0) = 0 the gate that keeps the state acts alone.
    """
    for layer in stack.recurrent_layers:
        kernel, recurrent_kernel, bias = layer.get_weights()
        layer.set_weights([0 * kernel, 0 * recurrent_kernel, bias])
    ones = tuple(np.ones((1, stack.units), np.float32) for _ in stack.zero_states(1))
    _, after = stack.step(np.zeros((1, 1), np.float32), ones)
    return np.array(after[stack.states_per_layer - 1 :: stack.states_per_layer])[:, 0]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("name", "bias"), [("zeros", 0.0), ("one", 1.0)])
def test_a_constant_bias_is_at_the_gate_that_keeps_and_nowhere_else(cell, name, bias):
    stack = stack_of(cell)
    kernels = [layer.get_weights()[:2] for layer in stack.recurrent_layers]
    stack.set_gate_bias(name, STEPS, seed=0)
    keeping = 0 if cell == "gru" else 1
    for gates in biases(stack):
        for index, gate in enumerate(gates):
            assert gate.tolist() == [bias if index == keeping else 0.0] * 6
    for layer, before in zip(stack.recurrent_layers, kernels, strict=True):
        for weight, kept in zip(layer.get_weights(), before, strict=False):
            np.testing.assert_array_equal(weight, kept)
    # float32
    np.testing.assert_allclose(kept_share(stack), 1 / (1 + np.exp(-bias)), rtol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_chrono_lets_units_remember_for_one_step_up_to_a_whole_sequence(cell):
    """A unit that keeps the share s a step remembers for s / (1 - s) steps."""
    stack = stack_of(cell, units=300)
    stack.set_gate_bias("chrono", STEPS, seed=3)
    share = kept_share(stack).astype(np.float64)
    times = share / (1 - share)
    assert times.shape == (2, 300)
    # Shares near 1 have few digits left in float32: 783 steps are told to about 0.1.
    assert times.min() > 1 - 1e-6
    assert times.max() < STEPS - 1 + 0.1
    # Uniform between 1 and 783: mean and mean square within 5 standard errors.
    width = STEPS - 2
    for layer in times:
        place = (layer - 1) / width
        assert place.mean() == pytest.approx(1 / 2, abs=5 * np.sqrt(1 / 12 / 300))
        assert (place**2).mean() == pytest.approx(1 / 3, abs=5 * np.sqrt(4 / 45 / 300))
    assert (times[0] != times[1]).mean() > 0.99


def test_chrono_shuts_the_input_gate_of_an_lstm_as_far_as_it_opens_the_forget_gate():
    stack = stack_of("lstm")
    stack.set_gate_bias("chrono", STEPS, seed=0)
    for entry, forget, candidate, output in biases(stack):
        np.testing.assert_array_equal(entry, -forget)
        assert (forget > 0).all()
        assert not candidate.any()
        assert not output.any()


def test_chrono_leaves_the_other_gates_of_a_gru_at_zero():
    stack = stack_of("gru")
    stack.set_gate_bias("chrono", STEPS, seed=0)
    for update, reset, candidate in biases(stack):
        assert (update > 0).all()
        assert not reset.any()
        assert not candidate.any()


def test_chrono_is_the_same_for_the_same_seed_alone():
    drawn = []
    for seed in (4, 4, 5):
        stack = stack_of("gru")
        stack.set_gate_bias("chrono", STEPS, seed)
        drawn.append(np.array(biases(stack)))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0][:, 0] != drawn[2][:, 0]).all()


@pytest.mark.parametrize("steps", [1, 2])
def test_chrono_for_a_sequence_of_one_or_two_steps_is_zero(steps):
    stack = stack_of("lstm")
    stack.set_gate_bias("chrono", steps, seed=0)
    assert not np.any(biases(stack))


def test_an_unknown_bias_is_refused():
    with pytest.raises(ValueError, match="gate_bias is 'two'; allowed: zeros, one, chrono"):
        stack_of("gru").set_gate_bias("two", STEPS, seed=0)


def randomised(model):
    """The model with every weight drawn: at the start many are zeros or ones."""
    generator = np.random.default_rng(1)
    for weight in model.weights:
        values = generator.normal(size=weight.shape) * 0.5
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    return model


@pytest.fixture(params=["predictor", "deep predictor", "classifier", "deep classifier"])
def saved(request, tmp_path, pixel_set):
    """A model, the file that it lies in, and the function that reads it."""
    layers = 2 if "deep" in request.param else 1
    if "predictor" in request.param:
        inputs = "context" if layers == 2 else "previous"
        model = Predictor("gru", 5, layers, pixel_set.identity, inputs=inputs)
        load = load_predictor
    else:
        model, load = Classifier("lstm", 5, layers, pixel_set.identity), load_classifier
    path = tmp_path / "model.keras"
    randomised(model).save(path)
    return model, path, load


def test_a_model_is_read_back_as_it_was(saved, pixel_set):
    model, path, load = saved
    again = load(path, pixel_set.identity)
    assert type(again) is type(model)
    assert again.get_config() == model.get_config()
    assert [w.path for w in again.weights] == [w.path for w in model.weights]
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(again(pixel_set.pixels), model(pixel_set.pixels))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("threshold", 0.5, r"threshold is 0\.1 there and 0\.5 here"),
        ("polarity", "ink is 0", "polarity is 'ink is 1' there and 'ink is 0' here"),
        ("rows", 2, "rows is 4 there and 2 here"),
        ("sha256", {}, "t10k-images-idx3-ubyte, .* differs"),
    ],
)
def test_a_model_of_other_pixels_is_refused(tmp_path, pixel_set, key, value, words):
    path = tmp_path / "model.keras"
    Predictor("gru", 3, 1, pixel_set.identity).save(path)
    with pytest.raises(ValueError, match=rf"model\.keras belongs to other pixels .*{words}"):
        load_predictor(path, pixel_set.identity | {key: value})
    assert load_predictor(path).pixels == pixel_set.identity


def test_the_split_and_the_data_set_s_name_may_differ(tmp_path, pixel_sets):
    path = tmp_path / "model.keras"
    Predictor("gru", 3, 1, pixel_sets["train"].identity).save(path)
    assert load_predictor(path, pixel_sets["test"].description | {"data": "another name"})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(saved, value):
    model, path, load = saved
    weight = model.weights[-1]
    values = weight.numpy()
    values.flat[-1] = value
    weight.assign(values)
    model.save(path)
    name = weight.path
    with pytest.raises(ValueError, match=rf"model\.keras has NaN or infinite numbers in {name}"):
        load(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_anywhere_is_refused_by_name(tmp_path, pixel_set, share):
    path = tmp_path / "model.keras"
    Predictor("gru", 3, 1, pixel_set.identity).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"model\.keras is not a readable model"):
        load_predictor(path)


def test_a_missing_file_is_told_as_such(tmp_path):
    with pytest.raises((FileNotFoundError, ValueError), match=r"none\.keras"):
        load_predictor(tmp_path / "none.keras")


def test_a_model_of_another_class_is_refused(saved):
    model, path, load = saved
    other = load_classifier if load is load_predictor else load_predictor
    own, needed = (
        ("Predictor", "Classifier") if load is load_predictor else ("Classifier", "Predictor")
    )
    with pytest.raises(ValueError, match=rf"holds a {own}; needed is a {needed}"):
        other(path)
    assert type(load_model(path, type(model), None)) is type(model)


def test_code_in_a_file_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    save_hostile_model(tmp_path / "model.keras", mark)
    with pytest.raises(ValueError, match=r"model\.keras"):
        load_model(tmp_path / "model.keras", Predictor, {})
    assert not mark.exists()
