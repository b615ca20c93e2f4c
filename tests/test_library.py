"""The library against independent computations, on models of 2 x 4 pixels, and its refusals."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from tabulated import (
    COLUMNS,
    LABELLED,
    ROWS,
    SIZE,
    all_images,
    check_frequencies,
    class_joint_table,
    conditional_table,
    labelled_predictor,
    log_joint_table,
    number_of,
    tiny_look_ahead,
    tiny_predictor,
)

import scanline
from scanline.inference import smc
from scanline.inference.ancestral import sample_images
from scanline.library import LoadedClassifier, LoadedPredictor
from scanline.models.classifier import Classifier

PIXELS = {"rows": ROWS, "columns": COLUMNS, "source": "mine", "binarise": "threshold"}
PIXELS |= {"threshold": 0.1, "polarity": "ink is 1"}
IMAGE = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], np.uint8)
HIDDEN = np.array([[0, 1, 1, 0], [1, 0, 1, 0]], bool)
PLACES = np.flatnonzero(HIDDEN)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two saved models: predict/model.keras and classify/model.keras."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("predict", "classify"):
        (folder / name).mkdir()
    predictor = tiny_predictor("gru", 2, "context")
    predictor.pixels = PIXELS
    predictor.save(folder / "predict/model.keras")
    Classifier("lstm", 5, 1, PIXELS, seed=3).save(folder / "classify/model.keras")
    return folder


@pytest.fixture(scope="module")
def model(folder) -> LoadedPredictor:
    return scanline.load(folder / "predict")


@pytest.fixture(scope="module")
def classifier(folder) -> LoadedClassifier:
    return scanline.load(f"{folder}/classify/model.keras", task="classify")


def test_log_likelihood_is_the_sum_over_single_steps(model):
    """One step after the other, in double precision outside of the model."""
    images = all_images()[::7]
    states, total = model.keras.zero_states(len(images)), np.zeros(len(images))
    for t in range(SIZE):
        logits, states = model.keras.step(images, t, states)
        total -= np.logaddexp(0, (1 - 2.0 * images[:, t]) * logits.numpy())
    found = model.log_likelihood(images.reshape(-1, ROWS, COLUMNS))
    # float32 logits, a sum of 8 terms of a few nats each
    np.testing.assert_allclose(found, total, rtol=0, atol=1e-5)
    assert found.dtype == np.float64
    assert np.shape(model.log_likelihood(images[0])) == ()
    assert model.log_likelihood(images[0] == 1) == pytest.approx(found[0], abs=1e-5)
    np.testing.assert_array_equal(model.log_likelihood(images * np.uint8(200)), found)


def test_samples_are_the_sampler_s(model):
    drawn = model.sample(5, seed=3)
    assert (drawn.shape, drawn.dtype) == ((5, ROWS, COLUMNS), np.uint8)
    np.testing.assert_array_equal(drawn.reshape(5, SIZE), sample_images(model.keras, 5, SIZE, 3))


def check_completion(done, model, tolerance: float) -> None:
    """Against all ways to fill the hole, from the table of all images."""
    images, log_joint = conditional_table(log_joint_table(model.keras), IMAGE.ravel(), PLACES)
    log_observed = np.logaddexp.reduce(log_joint)
    posterior = np.exp(log_joint - log_observed)
    assert done.log_observed == pytest.approx(log_observed, abs=tolerance)
    np.testing.assert_allclose(done.marginals.ravel(), posterior @ images, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(done.map.ravel(), images[log_joint.argmax()])
    number = {image.tobytes(): i for i, image in enumerate(images)}
    drawn = [number[sample.tobytes()] for sample in done.samples]
    np.testing.assert_allclose(done.log_likelihood, log_joint[drawn], rtol=0, atol=1e-5)
    assert (np.diff(done.log_likelihood) <= 0).all()


def test_completions_of_a_small_hole_are_exact(model):
    done = model.complete(IMAGE, HIDDEN, samples=6, seed=2)
    check_completion(done, model, 1e-5)
    assert done.exact
    assert (done.method, done.error) == ("exact", 0)
    assert done.samples.shape == (6, ROWS, COLUMNS)
    p = done.marginals[HIDDEN]
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    np.testing.assert_allclose(done.entropy[HIDDEN], entropy, rtol=1e-12)
    assert not done.entropy[~HIDDEN].any()


def test_completions_of_a_larger_hole_are_sampled(model):
    settings = {"exact_pixels": 3, "particles": 3, "runs": 6, "moves": 60, "seed": 1}
    done = model.complete(IMAGE, HIDDEN, samples=40, **settings)
    assert not done.exact
    assert done.method == "particle_gibbs"
    assert 0 < done.error < 0.2
    # 40 chains over 60 moves that redraw all 4 pixels: the mean of about 2,400 draws.
    check_completion(done, model, 0.1)


def test_a_look_ahead_beside_the_model_draws_its_particles(model, tmp_path, monkeypatch):
    # Where particles branch they are all completions of so small a hole, whoever draws them.
    monkeypatch.setattr(smc, "BRANCH_UP_TO", -1)
    companion = tiny_look_ahead(model.keras, spread=0.5)
    for task, made in (("predict", model.keras), ("look_ahead", companion)):
        (tmp_path / f"mine/{task}/tiny/seed-1").mkdir(parents=True)
        made.save(tmp_path / f"mine/{task}/tiny/seed-1/model.keras")
    loaded = scanline.load(tmp_path / "mine/predict/tiny/seed-1")
    settings = {"exact_pixels": 3, "particles": 64, "runs": 6, "moves": 60, "seed": 1}
    done = loaded.complete(IMAGE, HIDDEN, samples=40, **settings)
    assert done.method == "smc"
    check_completion(done, model, 0.1)
    assert done.log_observed != model.complete(IMAGE, HIDDEN, samples=40, **settings).log_observed


@pytest.mark.parametrize("exact_pixels", [SIZE, 3])
def test_an_image_of_which_nothing_is_observed_is_sampled(model, exact_pixels):
    """Enumerated or by particles: the frequencies are those of the table of all images."""
    log_joint = log_joint_table(model.keras)
    settings = {"samples": 2000, "runs": 2, "moves": 3, "exact_pixels": exact_pixels}
    done = model.complete(IMAGE, HIDDEN | True, **settings)
    # float32 logits, a sum of 8 terms of a few nats each
    assert done.log_observed == pytest.approx(0, abs=1e-5)
    assert done.error == pytest.approx(0, abs=1e-5)
    check_frequencies(done.samples.reshape(1, 2000, SIZE), log_joint[None])
    np.testing.assert_array_equal(done.map.ravel(), all_images()[log_joint.argmax()])
    other = model.complete(1 - IMAGE, list(range(SIZE)), **settings)
    np.testing.assert_array_equal(other.samples, done.samples)


def test_a_mask_a_flat_mask_and_indices_name_one_hole_whose_pixels_are_not_used(model):
    done = model.complete(IMAGE, HIDDEN)
    others = [
        model.complete(IMAGE.ravel(), HIDDEN.ravel().astype(int)),
        model.complete(IMAGE, PLACES[::-1].tolist()),
        model.complete(np.where(HIDDEN, 1 - IMAGE, IMAGE), HIDDEN),
    ]
    for other in others:
        np.testing.assert_array_equal(other.samples, done.samples)
        np.testing.assert_array_equal(other.marginals, done.marginals)
        np.testing.assert_array_equal(other.hidden, HIDDEN)


def test_a_completion_is_drawn(model):
    plt.close(plt.figure())  # which chooses the backend
    style = plt.rcParams.copy()
    figure = model.complete(IMAGE, HIDDEN, samples=3).plot(truth=IMAGE)
    titles = [axes.get_title() for axes in figure.axes]
    assert {"given", "truth", "most probable", "p(ink)", "entropy (nats)"} < set(titles)
    assert plt.rcParams == style
    plt.close(figure)


SMALL = np.array([[1, 0, 0], [1, 1, 0]], np.uint8)  # the image of a model that reads labels


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> LoadedPredictor:
    """A model of 2 x 3 pixels that reads labels of three classes."""
    folder = tmp_path_factory.mktemp("labelled")
    predictor = labelled_predictor("gru", 1, "context")
    predictor.pixels = PIXELS | LABELLED
    predictor.save(folder / "model.keras")
    return scanline.load(folder)


def test_a_model_of_labels_is_asked_with_a_label_or_without(labelled):
    images, table = all_images(6), class_joint_table(labelled.keras)
    mixture = np.log(np.exp(table).sum(axis=0))
    # float32 logits, a sum of 6 terms of a few nats each
    np.testing.assert_allclose(labelled.log_likelihood(images), mixture, atol=1e-5)
    given = labelled.log_likelihood(images, label=2)
    np.testing.assert_allclose(given, table[2] - np.log(0.3), atol=1e-5)
    wanted = (table - mixture).T
    np.testing.assert_allclose(labelled.class_log_probs(images), wanted, atol=1e-5)
    np.testing.assert_allclose(labelled.class_log_probs(images[5]), wanted[5], atol=1e-5)


def test_samples_are_of_one_class_or_of_any(labelled):
    drawn = labelled.sample(2000, seed=3, label=1).reshape(1, 2000, 6)
    assert drawn.dtype == np.uint8
    table = class_joint_table(labelled.keras)
    check_frequencies(drawn, table[1:2] - np.log(0.5))
    mixture = np.logaddexp.reduce(table)[None]
    check_frequencies(labelled.sample(2000, seed=3).reshape(1, 2000, 6), mixture)


@pytest.mark.parametrize("label", [None, 1])
def test_a_small_hole_is_completed_given_a_label_or_whatever_it_is(labelled, label):
    table = class_joint_table(labelled.keras)
    joint = np.logaddexp.reduce(table) if label is None else table[label] - np.log(0.5)
    hidden = np.array([1, 2, 4])
    images, log_joint = conditional_table(joint, SMALL.ravel(), hidden)
    done = labelled.complete(SMALL, hidden, samples=2000, label=label)
    assert done.exact
    assert done.log_observed == pytest.approx(np.logaddexp.reduce(log_joint), abs=1e-5)
    posterior = np.exp(log_joint - np.logaddexp.reduce(log_joint))
    np.testing.assert_allclose(done.marginals.ravel(), posterior @ images, atol=1e-5)
    np.testing.assert_array_equal(done.map.ravel(), images[posterior.argmax()])
    check_frequencies(done.samples.reshape(1, 2000, 6)[:, :, hidden], np.log(posterior)[None])


@pytest.mark.parametrize("label", [None, 1])
def test_the_end_of_an_image_is_completed_given_a_label_or_whatever_it_is(labelled, label):
    hidden, settings = np.arange(2, 6), {"exact_pixels": 1, "runs": 2, "seed": 4, "label": label}
    table = class_joint_table(labelled.keras)
    joint = np.logaddexp.reduce(table) if label is None else table[label] - np.log(0.5)
    images, log_joint = conditional_table(joint, SMALL.ravel(), hidden)
    done = labelled.complete(SMALL, hidden, samples=2000, particles=2000, **settings)
    assert not done.exact
    assert (done.method, done.error, done.effective_sample_size) == ("prefix", 0, 4000)
    assert done.log_observed == pytest.approx(np.logaddexp.reduce(log_joint), abs=1e-5)
    log_posterior = log_joint - np.logaddexp.reduce(log_joint)
    check_frequencies(done.samples.reshape(1, 2000, 6)[:, :, hidden], log_posterior[None])
    # The mean of 4000 draws: five standard errors.
    marginals = np.exp(log_posterior) @ images
    np.testing.assert_allclose(done.marginals.ravel(), marginals, atol=5 * 0.5 / 4000**0.5)
    wanted = joint[number_of(done.samples.reshape(2000, 6))]
    np.testing.assert_allclose(done.log_likelihood, wanted, atol=1e-5)
    assert (np.diff(done.log_likelihood) <= 0).all()
    np.testing.assert_array_equal(done.map.ravel(), images[log_joint.argmax()])


def test_what_a_label_is_needed_for_or_not_read_is_told(labelled, model):
    with pytest.raises(ValueError, match=r"hidden marks 3 pixels before observed ones, and no la"):
        labelled.complete(SMALL, [1, 2, 4], exact_pixels=2)
    with pytest.raises(ValueError, match="label is 3; allowed: 0 to 2"):
        labelled.complete(SMALL, [1], label=3)
    done = labelled.complete(SMALL, [1, 2, 4], exact_pixels=2, label=0, particles=8, moves=2)
    assert not done.exact
    for ask in (
        lambda: model.log_likelihood(IMAGE, label=0),
        lambda: model.sample(1, label=0),
        lambda: model.complete(IMAGE, HIDDEN, label=0),
    ):
        with pytest.raises(ValueError, match="label is 0; the model reads none"):
            ask()
    with pytest.raises(ValueError, match="reads no labels, so it knows no classes; load a class"):
        model.class_log_probs(IMAGE)


def test_classes_are_the_model_s(classifier):
    images = all_images()[:50]
    logits = classifier.keras(images).numpy().astype(np.float64)
    wanted = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.log_probs(images), wanted, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(classifier.predict(images), logits.argmax(axis=1))
    assert classifier.predict(images[3].reshape(ROWS, COLUMNS)) == logits[3].argmax()


def test_a_grey_classifier_reads_grey_images_in_its_own_order(tmp_path):
    """What its array of pixels would be, worked out beside."""
    described = PIXELS | {"binarise": "none", "threshold": None, "order": "permuted"}
    Classifier("gru", 5, 1, described, seed=3).save(tmp_path / "model.keras")
    model = scanline.load(tmp_path, task="classify")
    grey = np.random.default_rng(0).integers(0, 256, (6, ROWS, COLUMNS)).astype(np.uint8)
    wanted = model.keras.log_probs(grey.reshape(6, SIZE))
    for images in (grey, grey / 255, grey.astype(np.uint16) * 257):
        np.testing.assert_array_equal(model.log_probs(images), wanted)
    order = np.random.RandomState(92916).permutation(SIZE)
    raster = Classifier("gru", 5, 1, described | {"order": "raster"})
    raster.set_weights(model.keras.get_weights())
    np.testing.assert_array_equal(raster.log_probs(grey.reshape(6, SIZE)[:, order]), wanted)
    assert "mine grey, ink is 1, order permuted" in repr(model)


def test_a_model_says_what_it_is(model, classifier):
    count = sum(weight.size for weight in model.keras.get_weights())
    assert f"{count:,} parameters, images of 2 x 4, mine threshold 0.1" in repr(model)
    assert repr(classifier).startswith("<classifier ")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.log_likelihood(np.zeros((28, 28))), r"images has shape \(28, 28\); allowed"),
        (lambda m: m.sample(0), "count is 0; allowed: 1 and above"),
        (lambda m: m.sample(1, seed=-1), "seed is -1; allowed: 0 to "),
        (lambda m: m.complete(np.zeros((3, SIZE)), HIDDEN), "image holds 3 images; complete one"),
        (lambda m: m.complete(IMAGE, HIDDEN, samples=0), "samples is 0; allowed: 1 and above"),
        (lambda m: m.complete(IMAGE, HIDDEN, runs=1), "runs is 1; allowed: 2 and above"),
        (lambda m: m.complete(IMAGE, HIDDEN, seed=2**31), "seed is 2147483648; allowed"),
        (lambda m: m.complete(IMAGE, HIDDEN & False), "hidden is empty"),
        (lambda m: m.complete(IMAGE, []), "hidden is empty"),
        (lambda m: m.complete(IMAGE, [3, 8]), "hidden has the pixel 8, outside the image"),
        (
            lambda m: m.complete(IMAGE, np.zeros((4, 2), bool)),
            r"hidden is bool of shape \(4, 2\); allowed: a mask of shape \(2, 4\) or \(8,\)",
        ),
        (lambda m: m.complete(IMAGE, IMAGE * 0.5), "hidden is float64 of shape"),
    ],
)
def test_what_is_refused(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)


def test_loading_refuses(folder, tmp_path):
    with pytest.raises(ValueError, match="task is 'guess'; allowed: predict, classify"):
        scanline.load("gru-64", task="guess")
    with pytest.raises(ValueError, match="holds a Classifier; needed is a Predictor"):
        scanline.load(folder / "classify")
    with pytest.raises(
        FileNotFoundError, match=r"nowhere/model\.keras does not exist, or is not a"
    ):
        scanline.load("nowhere/model.keras")
    with pytest.raises(ValueError, match="data and seed choose among models of one name, and"):
        scanline.load(folder / "predict", seed=1)
    with pytest.raises(ValueError, match=r"model is 'nowhere'; allowed: gru-128, .*MLflow address"):
        scanline.load("nowhere")


def test_a_model_of_mlflow(folder, model, tmp_path, monkeypatch):
    """As `make track` logs it, by the address of its run; the store is a file."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(folder / "predict/model.keras"), "model/data")
    loaded = scanline.load(f"runs:/{run.info.run_id}/model")
    np.testing.assert_array_equal(loaded.log_likelihood(IMAGE), model.log_likelihood(IMAGE))
    with pytest.raises(ValueError, match=r"models:/none/1 cannot be fetched \(.*MLFLOW_TRACKING"):
        scanline.load("models:/none/1")
