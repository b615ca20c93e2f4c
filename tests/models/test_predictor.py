"""The next-pixel model is causal, normalised, and the same step by step as teacher-forced."""

import itertools

import numpy as np
import pytest

from scanline.data.pixels import PixelSet
from scanline.models.predictor import Predictor, load_predictor
from scanline.training.objectives import PREDICT

KINDS = [  # cell, layers, inputs, residual, readout_units
    ("gru", 1, "previous", False, 0),
    ("lstm", 2, "previous", False, 0),
    ("gru", 2, "context", False, 0),
    ("gru", 3, "context", True, 0),
    ("gru", 1, "context", False, 4),
    ("lstm", 2, "previous", True, 4),
]


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(map(str, kind)))
def model(request):
    cell, layers, inputs, residual, readout_units = request.param
    options = dict(residual=residual, readout_units=readout_units)
    pixels = {"rows": 2, "columns": 4}
    return Predictor(cell, 5, layers, pixels, inputs, "chrono", seed=3, **options)


def test_likelihoods_of_all_images_add_up_to_one(model):
    images = np.array(list(itertools.product((0, 1), repeat=8)), np.uint8)
    labels = np.zeros(len(images), np.uint8)
    nats_per_pixel, _ = PREDICT.scorer(model)(PixelSet(images, labels, model.pixels))
    total = np.exp(-8 * nats_per_pixel).sum()
    assert total == pytest.approx(1, abs=1e-5)  # float32 logits of 8 pixels


def test_a_pixel_changes_no_logit_up_to_its_own(model):
    pixels = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(np.uint8)
    logits = model(pixels).numpy()
    for t in range(8):
        changed = pixels.copy()
        changed[:, t:] = 1 - changed[:, t:]
        np.testing.assert_array_equal(model(changed).numpy()[:, : t + 1], logits[:, : t + 1])


def test_steps_equal_teacher_forcing(model):
    pixels = np.random.default_rng(1).integers(0, 2, (6, 8)).astype(np.uint8)
    states, logits = model.zero_states(6), []
    for t in range(8):
        logit, states = model.step(pixels, t, states)
        logits.append(logit.numpy())
    # The products of one step and of eight may add up in another order.
    np.testing.assert_allclose(np.stack(logits, axis=1), model(pixels).numpy(), atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_the_readout_reads_outputs_and_inputs(training):
    """Against NumPy."""
    model = Predictor("gru", 5, 1, {"rows": 2, "columns": 4}, "context", readout_units=6, seed=3)
    pixels = np.random.default_rng(3).integers(0, 2, (5, 8)).astype(np.uint8)
    inputs = model.inputs_of.between(pixels, 0, 8)
    outputs, logits = model.outputs(pixels)
    kernel, bias = model.readout.get_weights()
    assert kernel.shape == (5 + model.inputs_of.width, 6)
    both = np.concatenate([outputs, inputs.dense()], axis=2)
    last, last_bias = model.logit.get_weights()
    expected = (np.maximum(both @ kernel + bias, 0) @ last + last_bias)[..., 0]
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    np.testing.assert_allclose(model(pixels, training=training), expected, atol=1e-6)


def test_a_readout_of_a_number_below_0_is_refused():
    with pytest.raises(ValueError, match="readout_units is -1; allowed: 0 and above"):
        Predictor("gru", 5, 1, {"rows": 2, "columns": 4}, readout_units=-1)


def test_a_saved_model_says_the_same(model, tmp_path):
    pixels = np.random.default_rng(2).integers(0, 2, (3, 8)).astype(np.uint8)
    model.save(tmp_path / "model.keras")
    loaded = load_predictor(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(pixels).numpy(), model(pixels).numpy())


def test_outputs_are_what_the_logits_are_read_from(model):
    pixels = np.random.default_rng(1).integers(0, 2, (6, 8)).astype(np.uint8)
    outputs, logits = (each.numpy() for each in model.outputs(pixels))
    assert outputs.shape == (6, 8, 5)
    kernel, bias = (weight.numpy() for weight in model.logit.weights)
    if model.readout is not None:
        inputs = model.inputs_of.between(pixels, 0, 8).dense()
        outputs = model.readout(np.concatenate([outputs, inputs], axis=2)).numpy()
    # The same products, which may add up in another order.
    np.testing.assert_allclose(logits, outputs @ kernel[:, 0] + bias, atol=1e-6)
    np.testing.assert_allclose(logits, model(pixels).numpy(), atol=1e-6)


def test_weights_are_called_by_their_layers(model):
    cell, layers = model.settings["cell"], model.settings["layers"]
    names = [f"stack/{cell}_{place}/{cell}_cell" for place in range(layers)]
    of_layers = ("kernel", "recurrent_kernel", "bias")
    wanted = [f"{name}/{weight}" for name in names for weight in of_layers]
    above = ["readout", "logit"] if model.readout is not None else ["logit"]
    wanted += [f"{name}/{weight}" for name in above for weight in ("kernel", "bias")]
    assert [w.path for w in model.weights] == wanted


def test_a_model_file_cut_short_is_refused(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"model\.keras is not a readable model"):
        load_predictor(path)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        ({"binarise": "none"}, r"the pixels are grey .*; use a data set with binarise: threshold"),
        ({"order": "permuted"}, "only classifiers read pixels in another order"),
    ],
)
def test_pixels_that_only_classifiers_read_are_refused(pixels, message):
    with pytest.raises(ValueError, match=message) as refusal:
        Predictor("gru", 5, 1, {"rows": 2, "columns": 4} | pixels)
    assert "\n" not in str(refusal.value)
