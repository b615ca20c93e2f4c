"""The page to play with, in a real browser: it computes what Python does, and hands can use it."""

import json
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from study_copy import ROOT

from scanline import catalogue
from scanline.inference.exact import exact_posterior
from scanline.inference.likelihood import log_likelihoods
from scanline.inference.one_image import error_of
from scanline.inference.smc import BRANCH_UP_TO, pooled, smc_posterior
from scanline.models.classifier import Classifier, load_classifier
from scanline.models.predictor import Predictor, load_predictor
from scanline.report.playing import PARTS, told_predictor, write_page

NATS = 1e-4  # Python multiplies in float32, the page in float64
SEED = 3
PIXELS = {"rows": 5, "columns": 6, "source": "drawn", "binarise": "threshold"}


@pytest.fixture(scope="module")
def model() -> Predictor:
    return load_predictor(catalogue.find("gru-64-context", "predict"))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier(catalogue.find("gru-32", "classify"))


@pytest.fixture(scope="module")
def page(model, classifier, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("play") / "index.html"
    write_page(path, model, classifier, "gru-64-context")
    return path


@pytest.fixture
def opened(driven: Browser, page: Path) -> Browser:
    """The page on a desk, nothing hidden and all of its first answer there."""
    driven.events.clear()
    driven.window(1280, 900)
    driven.open(page.as_uri())
    driven.run("document.getElementById('nothing').click()")
    driven.wait(shown("status", ".startsWith('Nothing is hidden')"))
    return driven


def shown(name: str, rest: str = "") -> str:
    return f"document.getElementById('{name}').textContent{rest}"


def ask(page: Browser, kind: str, **about) -> dict:
    return page.run(f"scanline.ask('{kind}', {json.dumps(about)})")


def example(page: Browser, number: int = 3) -> np.ndarray:
    found = page.run(f"known.examples[{number}].pixels")
    return np.array([*found], np.uint8)


def square(row: int, column: int, height: int, width: int) -> np.ndarray:
    places = np.arange(784).reshape(28, 28)
    return places[row : row + height, column : column + width].ravel()


def test_the_committed_page_is_of_this_code_and_small(model):
    """``make play`` writes it anew where this fails."""
    kept = (ROOT / "docs/play/index.html").read_text()
    assert len(kept) < 1_000_000
    for part in ("page.css", "model.js", "page.js"):
        assert (PARTS / part).read_text() in kept
    known = json.loads(kept.split('id="known">')[1].split("</script>")[0])
    assert known["predictor"] == json.loads(json.dumps(told_predictor(model)))


def test_likelihoods_are_pythons(opened, model):
    noise = np.random.default_rng(0).integers(0, 2, 784).astype(np.uint8)
    images = np.stack([example(opened), example(opened, 8), noise])
    told = [ask(opened, "score", pixels=image.tolist()) for image in images]
    found = [each["logLikelihood"] for each in told]
    np.testing.assert_allclose(found, log_likelihoods(model, images), rtol=1e-6, atol=NATS)
    np.testing.assert_allclose(told[0]["logits"], model(images)[0], atol=NATS)


def test_classes_are_pythons(opened, classifier):
    images = np.stack([example(opened), example(opened, 8)])
    told = ask(opened, "classify", images=images.tolist())
    np.testing.assert_allclose(told, classifier.log_probs(images), rtol=1e-5, atol=NATS)


def test_small_holes_are_exact(opened, model):
    image, hidden = example(opened), square(13, 12, 2, 4)
    image[hidden] = 0
    told = ask(
        opened,
        "posterior",
        pixels=image.tolist(),
        hidden=hidden.tolist(),
        particles=2 ** len(hidden),
        uniforms=[0.5] * len(hidden),
    )
    expected = exact_posterior(model, image[None], hidden[None])
    assert told["exact"]
    np.testing.assert_allclose(told["logObserved"], expected.log_observed[0], atol=NATS)
    marginals = np.exp(told["logWeights"]) @ np.array(told["values"])
    np.testing.assert_allclose(marginals, expected.marginals[0], atol=1e-5)
    order = expected.index_of(np.array(told["values"]))
    np.testing.assert_allclose(told["logLikelihood"], expected.log_joint[0, order], atol=NATS)


@pytest.mark.parametrize("hole", [(12, 10, 4, 6), (10, 8, 6, 8)], ids=["branching", "drawing"])
def test_larger_holes_have_the_particles_of_the_package(opened, model, hole):
    image, hidden = example(opened), square(*hole)
    count = len(hidden)
    # The numbers that smc_posterior draws for its first image.
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((SEED, 0, 0))))
    told = ask(
        opened,
        "posterior",
        pixels=image.tolist(),
        hidden=hidden.tolist(),
        particles=16,
        uniforms=stream.random(count if count <= BRANCH_UP_TO else 2 * count).tolist(),
    )
    expected = smc_posterior(model, image[None], hidden[None], 16, SEED)
    assert not told["exact"]
    np.testing.assert_array_equal(told["values"], expected.values[0])
    np.testing.assert_allclose(told["logWeights"], expected.log_weights[0], atol=10 * NATS)
    np.testing.assert_allclose(told["logLikelihood"], expected.log_likelihood[0], atol=NATS)
    np.testing.assert_allclose(told["logObserved"], expected.log_observed[0], atol=NATS)
    least = expected.effective_sample_size[0, hidden[-1] :].min()
    np.testing.assert_allclose(told["effectiveSampleSize"], least, rtol=1e-3)


def test_runs_are_pooled_as_in_the_package(opened, model):
    image, hidden = example(opened)[None], square(10, 8, 6, 8)[None]
    runs = [smc_posterior(model, image, hidden, 8, seed) for seed in range(3)]
    given = [
        {
            "values": run.values[0].tolist(),
            "logWeights": run.log_weights[0].tolist(),
            "logLikelihood": run.log_likelihood[0].tolist(),
            "logObserved": run.log_observed[0],
            "effectiveSampleSize": run.effective_sample_size[0, -1],
        }
        for run in runs
    ]
    told = opened.run(f"pooled({json.dumps(given)}, {hidden.shape[1]})")
    expected = pooled(runs)
    np.testing.assert_allclose(told["logObserved"], expected.log_observed[0])
    np.testing.assert_allclose(told["marginals"], expected.marginals[0])
    least = expected.effective_sample_size[0, -1]
    np.testing.assert_allclose(told["effectiveSampleSize"], least)
    error, _ = error_of(np.array([run.log_observed[0] for run in runs]))
    np.testing.assert_allclose(told["error"], error)


@pytest.mark.parametrize(
    ("cell", "layers", "inputs"), [("lstm", 2, "previous"), ("gru", 3, "context")]
)
def test_other_models_without_a_classifier(driven, tmp_path, cell, layers, inputs):
    small = Predictor(cell, 5, layers, PIXELS, inputs, seed=1, radius=2)
    path = tmp_path / "index.html"
    write_page(path, small, None, "small")
    driven.open(path.as_uri())
    images = np.random.default_rng(1).integers(0, 2, (2, 30)).astype(np.uint8)
    found = [ask(driven, "score", pixels=each.tolist())["logLikelihood"] for each in images]
    np.testing.assert_allclose(found, log_likelihoods(small, images), atol=NATS)
    hidden = np.array([7, 8, 13, 14])
    about = dict(pixels=images[0].tolist(), hidden=hidden.tolist(), uniforms=[0.5] * 4)
    told = ask(driven, "posterior", particles=16, **about)
    exact = exact_posterior(small, images[:1], hidden[None])
    np.testing.assert_allclose(told["logLikelihood"], exact.log_joint[0], atol=NATS)
    assert driven.run("document.getElementById('classes')") is None


@pytest.mark.parametrize(
    "extra",
    [{"residual": True}, {"readout_units": 4}, {"orientation": "rows-top-right"},
     {"prior": [0.1] * 10}],
    ids=str,
)  # fmt: skip
def test_a_model_that_the_page_cannot_compute_is_refused(tmp_path, extra):
    model = Predictor("gru", 5, 2, PIXELS, "context", seed=1, **extra)
    named = r"^\w+ is (True|4|rows-top-right), which the page cannot compute; choose a variant"
    with pytest.raises(ValueError, match=named):
        write_page(tmp_path / "index.html", model, None, "deep")
    assert not list(tmp_path.iterdir())


def test_a_drag_of_the_mouse_hides_what_the_model_then_fills(opened, model):
    opened.run("image.set(Uint8Array.from(known.examples[3].pixels, Number))")
    opened.run("document.getElementById('size').value = '1'")
    opened.drag("#image", (12.5 / 28, 13.5 / 28), (15.5 / 28, 13.5 / 28))
    opened.wait(shown("status", ".startsWith('Exact')"))
    hidden = square(13, 12, 1, 4)
    assert opened.run("Array.from(hole).flatMap((is, i) => is ? [i] : [])") == hidden.tolist()
    assert opened.run(shown("hidden")) == "4 of 784"
    expected = exact_posterior(model, example(opened)[None], hidden[None])
    nats = float(opened.run(shown("nats")).removesuffix(" nats").replace("\u2212", "-"))
    assert nats == pytest.approx(expected.log_observed[0], abs=0.0051)  # two digits are shown
    opened.wait("document.querySelectorAll('#classes meter').length === 10")
    shares = opened.run("[...document.querySelectorAll('#classes meter')].map((m) => m.value)")
    assert sum(shares) == pytest.approx(1, abs=1e-6)


def test_a_finger_hides_and_the_page_stands_still(opened):
    opened.window(390, 844, phone=True)
    assert opened.run("document.documentElement.scrollWidth") == 390
    opened.run("document.getElementById('size').value = '2'")
    opened.run("document.getElementById('size').value = '1'")
    before = opened.place("#image", 0, 0)
    opened.drag_finger("#image", (0.5, 10.5 / 28), (0.5, 12.5 / 28), (0.5, 14.5 / 28))
    opened.wait(shown("hidden", " === '5 of 784'"))
    assert opened.place("#image", 0, 0) == before


def test_the_keyboard_draws(opened):
    opened.run("document.getElementById('empty').click()")  # and takes the pen
    opened.run("document.getElementById('size').value = '1'")
    opened.run("document.getElementById('image').focus()")
    for key in ("ArrowUp", " ", "ArrowRight", " "):
        opened.press(key)
    assert opened.run("image.reduce((sum, each) => sum + each)") == 2
    assert opened.run("[image[13 * 28 + 14], image[13 * 28 + 15]]") == [1, 1]
    assert opened.run(shown("cell")) == "Row 14, column 16: ink."


def test_an_image_is_written_with_each_pixels_probability(opened, model):
    opened.run("document.getElementById('speed').value = '600'")
    opened.run("document.getElementById('given').value = '14'")
    opened.run("document.getElementById('write').click()")
    opened.wait(shown("told", ".startsWith('log p(image)')"))
    pixels, ink = opened.run("[Array.from(writing.pixels), writing.ink]")
    image = np.array(pixels, np.uint8)
    assert image[:392].tolist() == opened.run("Array.from(image)")[:392]
    logits = model(image[None])[0].numpy()
    np.testing.assert_allclose(ink, 1 / (1 + np.exp(-logits)), atol=NATS)
    nats = log_likelihoods(model, image[None])[0]
    assert f"{nats:.2f}".replace("-", "\u2212") in opened.run(shown("told"))


def test_nothing_is_fetched_and_no_fault_is_told(opened):
    assert all(each.startswith(("file:", "blob:", "data:")) for each in opened.asked())
    wrong = [
        e for e in opened.events if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")
    ]
    assert wrong == []
    refused = opened.run("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_fault(opened, dark):
    opened.window(1280, 900, dark=dark)
    assert opened.faults() == []
