"""The scripts that train and score, run as functions on generated 4 x 4 images, against NumPy."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import reference
from recipes import arguments_of, settings_of

from scanline.data.pixels import load_pixels, save_pixels
from scanline.files import load_arrays
from scanline.models.classifier import Classifier, load_classifier
from scanline.models.predictor import Predictor, load_predictor
from scanline.provenance import tracking
from scanline.provenance.stage import run
from score_classifier import score_classifier
from score_predictor import score_predictor
from train_classifier import train_classifier
from train_predictor import train_predictor

EPSILON = 1e-3  # added to a variance by batch norm
RECIPE = dict(epochs=3, batch_size=8, learning_rate=0.02, seed=4)
PREDICTOR = dict(cell="gru", units=4, layers=1, gate_bias="one")
CLASSIFIER = dict(cell="lstm", units=4, layers=2)


@pytest.fixture(autouse=True)
def _without_tracking(monkeypatch):
    monkeypatch.delenv(tracking.ADDRESS, raising=False)


def outputs_of(model, inputs: np.ndarray) -> np.ndarray:
    """What the stack says at each step, by the equations, in float64: [N, T, D] -> [N, T, U]."""
    for layer in model.stack.recurrent_layers:
        weights = [weight.astype(np.float64) for weight in layer.get_weights()]
        zeros = np.zeros((len(inputs), model.stack.units))
        states = (zeros,) * model.stack.states_per_layer
        inputs, _ = reference.run(model.stack.cell, inputs, states, weights)
    return inputs


def pixel_scores(
    model: Predictor, pixels: np.ndarray, labels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Of each pixel given those before it: its log p, and whether the likelier value is its own.

    Even odds, as a model has them that is not trained yet, say paper. ``labels`` are for a model
    that reads them.
    """
    before = np.concatenate([np.zeros((len(pixels), 1)), pixels[:, :-1]], axis=1)[..., None]
    if labels is not None:
        one_hot = np.tile(np.eye(model.classes)[labels][:, None], (1, pixels.shape[1], 1))
        before = np.concatenate([one_hot, before], axis=2)
    kernel, bias = (weight.astype(np.float64) for weight in model.logit.get_weights())
    logits = (outputs_of(model, before) @ kernel + bias)[..., 0]
    return -np.logaddexp(0, (1 - 2.0 * pixels) * logits), (logits > 0) == (pixels == 1)


def class_log_probs(model: Classifier, pixels: np.ndarray, training: bool = False) -> np.ndarray:
    """Last output, norm, 100 units of ReLU, norm, ten classes; in training by batch moments."""
    norm_0, hidden, norm_1, logits = (
        [weight.astype(np.float64) for weight in layer.get_weights()] for layer in model.head
    )

    def normalise(values, gamma, beta, mean, variance):
        if training:
            mean, variance = values.mean(axis=0), values.var(axis=0)
        return gamma * (values - mean) / np.sqrt(variance + EPSILON) + beta

    values = normalise(outputs_of(model, pixels[..., None].astype(float))[:, -1], *norm_0)
    values = normalise(np.maximum(values @ hidden[0] + hidden[1], 0), *norm_1)
    values = values @ logits[0] + logits[1]
    return values - np.logaddexp.reduce(values, axis=1, keepdims=True)


def files_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def train(script, pixels_folder, out, test=None, **settings):
    run(
        script,
        **({"test": test} if test else {}),
        train=pixels_folder / "train.npz",
        validation=pixels_folder / "validation.npz",
        out=out,
        checkpoints=out.parent / "checkpoints",
        **arguments_of(script.__name__, **(RECIPE | settings)),
    )
    return pd.read_csv(out / "curve_by_epoch.csv"), pd.read_csv(out / "curve_by_step.csv")


def first_batch(pixels_folder):
    """The images of the first training step: eight of a shuffle that the seed alone decides."""
    pixels = load_pixels(pixels_folder / "train.npz")
    order = np.random.default_rng([RECIPE["seed"], 0]).permutation(32)[:8]
    return pixels.pixels[order], pixels.labels[order]


def value_of(table: pd.DataFrame, **keys) -> list[float]:
    for name, value in keys.items():
        table = table[table[name] == value]
    return table["value"].tolist()


TRAINED_FILES = ["curve_by_epoch.csv", "curve_by_step.csv", "model.keras", "run.json"]


def check_curves(by_epoch, by_step, quantity):
    """Three epochs of four steps of eight images: every step and epoch has its two numbers."""
    assert list(by_epoch) == ["epoch", "step", "split", "quantity", "value"]
    assert list(by_step) == ["step", "epoch", "quantity", "value", "learning_rate"]
    assert len(by_epoch) == 3 * 2 * 2
    assert len(by_step) == 12 * 2
    for name in (quantity, "accuracy"):
        steps = by_step[by_step["quantity"] == name]
        assert steps["step"].tolist() == list(range(1, 13))
        assert steps["epoch"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
        means = [np.mean(value_of(by_step, quantity=name, epoch=epoch)) for epoch in (1, 2, 3)]
        assert value_of(by_epoch, quantity=name, split="train") == pytest.approx(means)
    assert sorted(set(by_epoch["split"])) == ["train", "validation"]
    assert by_epoch["step"].tolist() == [4] * 4 + [8] * 4 + [12] * 4


def test_a_predictor_is_trained_and_its_curves_are_those_of_numpy(tmp_path, pixels_folder):
    by_epoch, by_step = train(train_predictor, pixels_folder, tmp_path / "train", **PREDICTOR)
    assert files_in(tmp_path / "train") == TRAINED_FILES
    check_curves(by_epoch, by_step, "nats_per_pixel")
    assert set(by_step["learning_rate"]) == {float(np.float32(0.02))}

    first = Predictor(**PREDICTOR, pixels={"rows": 4, "columns": 4}, seed=RECIPE["seed"])
    log_probs, right = pixel_scores(first, first_batch(pixels_folder)[0])
    nats = value_of(by_step, step=1, quantity="nats_per_pixel")
    assert nats == pytest.approx([-log_probs.mean()], rel=1e-5)  # float32
    assert value_of(by_step, step=1, quantity="accuracy") == pytest.approx([right.mean()])

    # The model that is kept is the best of the three on validation images.
    validation = load_pixels(pixels_folder / "validation.npz")
    kept = load_predictor(tmp_path / "train" / "model.keras", validation.identity)
    curve = value_of(by_epoch, split="validation", quantity="nats_per_pixel")
    found = -pixel_scores(kept, validation.pixels)[0].mean()
    assert found == pytest.approx(min(curve), rel=1e-5)
    assert found < math.log(2)


def test_a_predictor_of_labels_is_trained_and_its_curves_are_given_the_class(
    tmp_path, pixels_folder
):
    settings = PREDICTOR | {"labels": True}
    by_epoch, by_step = train(train_predictor, pixels_folder, tmp_path / "train", **settings)
    check_curves(by_epoch, by_step, "nats_per_pixel")
    shares = np.bincount(load_pixels(pixels_folder / "train.npz").labels, minlength=10) / 32
    identity = load_pixels(pixels_folder / "train.npz").identity
    first = Predictor(**PREDICTOR, pixels=identity, prior=shares, seed=RECIPE["seed"])
    log_probs, _ = pixel_scores(first, *first_batch(pixels_folder))
    nats = value_of(by_step, step=1, quantity="nats_per_pixel")
    assert nats == pytest.approx([-log_probs.mean()], rel=1e-5)  # float32
    validation = load_pixels(pixels_folder / "validation.npz")
    kept = load_predictor(tmp_path / "train" / "model.keras", validation.identity)
    np.testing.assert_array_equal(kept.prior, shares)
    curve = value_of(by_epoch, split="validation", quantity="nats_per_pixel")
    found = -pixel_scores(kept, validation.pixels, validation.labels)[0].mean()
    assert found == pytest.approx(min(curve), rel=1e-5)


def test_a_predictor_of_labels_is_not_trained_on_images_without(tmp_path, pixels_folder):
    for name in ("train", "validation"):
        file = pixels_folder / f"{name}.npz"
        pixels = load_pixels(file)
        save_pixels(file, replace(pixels, labels=None))
    with pytest.raises(ValueError, match="images have no labels, which a variant with labels: tr"):
        train(train_predictor, pixels_folder, tmp_path / "train", **PREDICTOR, labels=True)
    assert files_in(tmp_path / "train") == []


def test_a_classifier_is_trained_and_its_curves_are_those_of_numpy(tmp_path, pixels_folder):
    by_epoch, by_step = train(train_classifier, pixels_folder, tmp_path / "train", **CLASSIFIER)
    assert files_in(tmp_path / "train") == TRAINED_FILES
    check_curves(by_epoch, by_step, "nats")

    first = Classifier(**CLASSIFIER, pixels={"rows": 4, "columns": 4}, seed=RECIPE["seed"])
    pixels, labels = first_batch(pixels_folder)
    log_probs = class_log_probs(first, pixels, training=True)
    nats = value_of(by_step, step=1, quantity="nats")
    # float32; batch norm divides by the small spread of what an untrained stack remembers.
    assert nats == pytest.approx([-log_probs[np.arange(8), labels].mean()], rel=1e-3)

    # Kept is the most accurate one on validation images, and of equals that of fewer nats.
    validation = load_pixels(pixels_folder / "validation.npz")
    kept = load_classifier(tmp_path / "train" / "model.keras", validation.identity)
    log_probs = class_log_probs(kept, validation.pixels)
    accuracy = (log_probs.argmax(axis=1) == validation.labels).mean()
    curve = list(
        zip(
            value_of(by_epoch, split="validation", quantity="accuracy"),
            value_of(by_epoch, split="validation", quantity="nats"),
            strict=True,
        )
    )
    best = min(curve, key=lambda pair: (-pair[0], pair[1]))
    found = -log_probs[np.arange(8), validation.labels].mean()
    assert (accuracy, found) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize(
    ("script", "model"), [(train_predictor, PREDICTOR), (train_classifier, CLASSIFIER)]
)
def test_a_training_is_recorded_repeatable_and_leaves_no_work_in_progress(
    tmp_path, pixels_folder, script, model
):
    settings = model | {"epochs": 1, "train_images": 20}
    curves = [train(script, pixels_folder, tmp_path / name, **settings) for name in "ab"]
    for one, other in zip(*curves, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert curves[0][1]["step"].max() == 3  # 20 images, in batches of 8
    records = [json.loads((tmp_path / name / "run.json").read_text()) for name in "ab"]
    assert records[0]["settings"] == settings_of(script.__name__, **(RECIPE | settings))
    assert records[0]["script"] == script.__name__
    names = [path.rsplit("/", 1)[-1] for path in records[0]["inputs"]]
    assert names == ["train.npz", "validation.npz"]
    for name in ("curve_by_epoch.csv", "curve_by_step.csv"):
        assert records[0]["outputs"][name] == records[1]["outputs"][name]
    assert not [path for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()]
    load = load_predictor if script is train_predictor else load_classifier
    weights = [load(tmp_path / name / "model.keras").get_weights() for name in "ab"]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("script", "model"), [(train_predictor, PREDICTOR), (train_classifier, CLASSIFIER)]
)
def test_selection_on_test_batches_needs_test_pixels_and_names_them(
    tmp_path, pixels_folder, script, model
):
    settings = model | {"epochs": 1, "selection": "test_batches"}
    with pytest.raises(ValueError, match="selection test_batches needs --test"):
        train(script, pixels_folder, tmp_path / "without", **settings)
    assert not (tmp_path / "without" / "model.keras").exists()
    test = pixels_folder / "test.npz"
    by_epoch, _ = train(script, pixels_folder, tmp_path / "with", test=test, **settings)
    assert set(by_epoch["split"]) == {"train", "test_batches"}
    # All 24 test images are one batch, and the one epoch's model is the one that is kept.
    images, kept = load_pixels(test), tmp_path / "with/model.keras"
    if script is train_predictor:
        right = pixel_scores(load_predictor(kept, images.identity), images.pixels)[1]
    else:
        scores = class_log_probs(load_classifier(kept, images.identity), images.pixels)
        right = scores.argmax(axis=1) == images.labels
    found = value_of(by_epoch, split="test_batches", quantity="accuracy")
    assert found == pytest.approx([right.mean()])


def saved_model(tmp_path, pixels_folder, kind, prior=()):
    """A model whose every weight is drawn, and its file."""
    identity = load_pixels(pixels_folder / "test.npz").identity
    model = Predictor(**PREDICTOR, pixels=identity, prior=prior) if kind is Predictor else None
    model = model or Classifier(**CLASSIFIER, pixels=identity)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        values = generator.normal(size=weight.shape)
        weight.assign(abs(values) + 0.5 if "variance" in weight.path else values)
    model.save(tmp_path / "model.keras")
    return model, tmp_path / "model.keras"


def score(script, model, pixels_folder, out, images=0) -> pd.DataFrame:
    splits = {name: pixels_folder / f"{name}.npz" for name in ("train", "test")}
    run(script, model=model, **splits, out=out, images=images)
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores) == ["quantity", "split_or_hidden", "value", "n"]
    assert not scores.duplicated(["quantity", "split_or_hidden"]).any()
    return scores


@pytest.mark.parametrize("images", [0, 7])
def test_a_predictor_is_scored_as_in_numpy(tmp_path, pixels_folder, images):
    model, path = saved_model(tmp_path, pixels_folder, Predictor)
    scores = score(score_predictor, path, pixels_folder, tmp_path / "score", images)
    assert files_in(tmp_path / "score") == ["log_likelihoods.npz", "run.json", "scores.csv"]
    assert len(scores) == 2 * 4
    for split, count in (("train", images or 32), ("test", images or 24)):
        pixels = load_pixels(pixels_folder / f"{split}.npz").pixels[:count]
        log_probs, right = pixel_scores(model, pixels)
        nats = -log_probs.sum(axis=1).mean()
        for quantity, wanted in (
            ("nats_per_pixel", nats / 16),
            ("nats_per_image", nats),
            ("bits_per_image", nats / math.log(2)),
            ("accuracy", right.mean()),
        ):
            found = value_of(scores, quantity=quantity, split_or_hidden=split)
            assert found == pytest.approx([wanted], rel=1e-5)  # float32
        assert set(scores[scores["split_or_hidden"] == split]["n"]) == {count}
    arrays, description = load_arrays(tmp_path / "score" / "log_likelihoods.npz", "log_likelihood")
    np.testing.assert_allclose(arrays["log_likelihood"], log_probs.sum(axis=1), rtol=1e-5)
    assert description["split"] == "test"


def test_a_predictor_of_labels_is_scored_whatever_the_class_and_given_it(tmp_path, pixels_folder):
    prior = np.arange(10) / 45  # no image is expected to be of class 0
    model, path = saved_model(tmp_path, pixels_folder, Predictor, prior)
    scores = score(score_predictor, path, pixels_folder, tmp_path / "score")
    assert len(scores) == 2 * 6
    for split in ("train", "test"):
        images = load_pixels(pixels_folder / f"{split}.npz")
        count, every = len(images), np.arange(len(images))
        by_class = np.stack(
            [pixel_scores(model, images.pixels, np.full(count, k))[0] for k in range(10)]
        )
        with np.errstate(divide="ignore"):
            joint = np.log(prior)[:, None] + by_class.sum(axis=2)
        log_likelihood = np.log(np.exp(joint).sum(axis=0))
        # p(ink | pixels before): what the classes say, by how probable the pixels before make them.
        p_before = np.exp(by_class.cumsum(axis=2) - by_class) * prior[:, None, None]
        p_pixel = (p_before * np.exp(by_class)).sum(axis=0) / p_before.sum(axis=0)
        for quantity, wanted in (
            ("nats_per_pixel", -log_likelihood.mean() / 16),
            ("nats_per_image", -log_likelihood.mean()),
            ("bits_per_image", -log_likelihood.mean() / math.log(2)),
            ("accuracy", (p_pixel > 0.5).mean()),
            ("nats_per_image_given_class", -by_class.sum(axis=2)[images.labels, every].mean()),
            ("bayes_accuracy", (joint.argmax(axis=0) == images.labels).mean()),
        ):
            found = value_of(scores, quantity=quantity, split_or_hidden=split)
            assert found == pytest.approx([wanted], rel=1e-5), quantity  # float32
    names = ("log_likelihood", "log_likelihood_given_class", "class_log_probs", "labels")
    arrays, _ = load_arrays(tmp_path / "score" / "log_likelihoods.npz", *names)
    np.testing.assert_allclose(arrays["log_likelihood"], log_likelihood, rtol=1e-5)
    posterior = np.exp(joint - log_likelihood).T
    np.testing.assert_allclose(np.exp(arrays["class_log_probs"]), posterior, atol=1e-5)
    np.testing.assert_array_equal(arrays["labels"], images.labels)


def test_images_without_labels_are_scored_by_a_model_of_labels(tmp_path, pixels_folder):
    _, path = saved_model(tmp_path, pixels_folder, Predictor, np.full(10, 0.1))
    for name in ("train", "test"):
        file = pixels_folder / f"{name}.npz"
        pixels = load_pixels(file)
        save_pixels(file, replace(pixels, labels=None))
    scores = score(score_predictor, path, pixels_folder, tmp_path / "score")
    assert len(scores) == 2 * 4
    arrays, _ = load_arrays(
        tmp_path / "score" / "log_likelihoods.npz", optional=("class_log_probs", "labels")
    )
    assert not arrays


@pytest.mark.parametrize("images", [0, 7])
def test_a_classifier_is_scored_as_in_numpy(tmp_path, pixels_folder, images):
    model, path = saved_model(tmp_path, pixels_folder, Classifier)
    scores = score(score_classifier, path, pixels_folder, tmp_path / "score", images)
    assert files_in(tmp_path / "score") == ["predictions.npz", "run.json", "scores.csv"]
    assert len(scores) == 2 * 2
    for split, count in (("train", images or 32), ("test", images or 24)):
        given = load_pixels(pixels_folder / f"{split}.npz").first(count)
        log_probs = class_log_probs(model, given.pixels)
        nats = -log_probs[np.arange(count), given.labels].mean()
        right = (log_probs.argmax(axis=1) == given.labels).mean()
        for quantity, wanted in (("nats", nats), ("accuracy", right)):
            found = value_of(scores, quantity=quantity, split_or_hidden=split)
            assert found == pytest.approx([wanted], rel=1e-4)  # float32, a head of 100
        assert set(scores[scores["split_or_hidden"] == split]["n"]) == {count}
    path = tmp_path / "score" / "predictions.npz"
    arrays, description = load_arrays(path, "class_log_probs", "labels")
    np.testing.assert_allclose(arrays["class_log_probs"], log_probs, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(arrays["labels"], given.labels)
    assert arrays["class_log_probs"].dtype == np.float32
    assert description["split"] == "test"


@pytest.mark.parametrize(
    ("script", "kind"), [(score_predictor, Predictor), (score_classifier, Classifier)]
)
def test_pixels_made_otherwise_are_not_scored(tmp_path, pixels_folder, script, kind):
    _, path = saved_model(tmp_path, pixels_folder, kind)
    for name in ("train", "test"):
        file = pixels_folder / f"{name}.npz"
        pixels = load_pixels(file)
        pixels.description["threshold"] = 0.5
        save_pixels(file, pixels)
    with pytest.raises(ValueError, match=r"threshold is 0\.1 there and 0\.5 here"):
        score(script, path, pixels_folder, tmp_path / "score")
    assert files_in(tmp_path / "score") == []


def test_more_images_than_there_are_are_refused(tmp_path, pixels_folder):
    _, path = saved_model(tmp_path, pixels_folder, Predictor)
    with pytest.raises(ValueError, match="25 images are asked for; test has 24"):
        score(score_predictor, path, pixels_folder, tmp_path / "score", images=25)
