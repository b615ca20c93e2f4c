"""Models that read in another order, in the library and in the stages of a study.

The oracle is a raster model of the same weights, of images that are turned by hand.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recipes import arguments_of
from tabulated import BY_HAND, all_images

from calibrate_posterior import calibrate_posterior
from fill_holes import fill_holes
from infer_patches import infer_patches
from sample_completions import sample_completions
from sample_images import sample_images
from scanline.data.pixels import PixelSet, load_pixels, save_pixels
from scanline.files import load_arrays, save_arrays
from scanline.inference.forecast import load_forecasts
from scanline.inference.methods import SamplerSettings
from scanline.library import LoadedPredictor
from scanline.models.predictor import Predictor, load_predictor
from scanline.provenance.stage import run
from score_predictor import score_predictor
from train_look_ahead import train_look_ahead
from train_predictor import train_predictor

ROWS, COLUMNS = 3, 4
SIZE = ROWS * COLUMNS
BACK = {  # by rows, and by columns, which is undone by another turn than itself
    "rows-bottom-left": np.flipud,
    "columns-top-right": lambda image: np.rot90(image, -1),
}
WAYS = list(BACK)
LAST = {"rows-bottom-left": [0, 1, 2, 3, 7], "columns-top-right": [0, 4, 5, 8, 9]}  # of 3 x 4
IMAGE = np.random.default_rng(5).integers(0, 2, (ROWS, COLUMNS)).astype(np.uint8)
LOGITS = 1e-5  # float32: sums of 12 terms


def predictor(way: str, rows: int, columns: int, prior=()) -> Predictor:
    """A model with large weights, the same of each way; pixels depend strongly on those before."""
    pixels = {"rows": rows, "columns": columns, "source": "mine", "binarise": "threshold"}
    pixels |= {"threshold": 0.5, "polarity": "ink is 1", "classes": 3}
    model = Predictor("gru", 5, 1, pixels, "context", radius=1, orientation=way, prior=prior)
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(0, 1.2, w.shape) for w in model.get_weights()])
    return model


def pair(way: str, prior=()) -> tuple[LoadedPredictor, LoadedPredictor]:
    """The model, and the raster model of the same weights for images that are turned by hand."""
    turned = predictor(way, ROWS, COLUMNS, prior)
    raster = predictor("raster", *BY_HAND[way](IMAGE).shape, prior)
    return LoadedPredictor(turned, "turned"), LoadedPredictor(raster, "raster")


@pytest.mark.parametrize("way", WAYS)
def test_the_library_scores_draws_and_reads_classes_as_the_turned_model(way):
    images = np.random.default_rng(3).integers(0, 2, (20, ROWS, COLUMNS)).astype(np.uint8)
    by_hand = np.array([BY_HAND[way](image) for image in images])
    for prior in ((), (0.2, 0.5, 0.3)):
        model, raster = pair(way, prior)
        found = model.log_likelihood(images)
        np.testing.assert_allclose(found, raster.log_likelihood(by_hand), atol=LOGITS)
        assert model.log_likelihood(images[0]) == pytest.approx(found[0], abs=LOGITS)
        drawn = [BACK[way](image) for image in raster.sample(30, seed=2)]
        np.testing.assert_array_equal(model.sample(30, seed=2), drawn)
    found = model.log_likelihood(images, label=1)
    np.testing.assert_allclose(found, raster.log_likelihood(by_hand, label=1), atol=LOGITS)
    wanted = raster.class_log_probs(by_hand)
    np.testing.assert_allclose(model.class_log_probs(images), wanted, atol=LOGITS)


@pytest.mark.parametrize("way", WAYS)
def test_its_likelihoods_of_all_images_add_up_to_one(way):
    images = all_images(SIZE).reshape(-1, ROWS, COLUMNS)
    total = np.logaddexp.reduce(pair(way)[0].log_likelihood(images))
    assert total == pytest.approx(0, abs=1e-5)  # float32


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["enumerated", "read last", "sampled"])
def test_a_completion_is_that_of_the_turned_model(way, how):
    settings = {"samples": 6, "seed": 3}
    if how != "enumerated":
        settings |= {"exact_pixels": 2, "particles": 5, "runs": 3, "moves": 2, "block": 3}
    hidden = np.zeros(SIZE, bool)
    hidden[[1, 4, 6, 7, 10] if how != "read last" else LAST[way]] = True
    hidden = hidden.reshape(ROWS, COLUMNS)
    model, raster = pair(way)
    done = model.complete(IMAGE, hidden, **settings)
    wanted = raster.complete(BY_HAND[way](IMAGE), BY_HAND[way](hidden), **settings)
    for name in ("samples", "marginals", "map", "entropy", "hidden", "image"):
        there = getattr(wanted, name)
        if name == "samples":
            back = np.array([BACK[way](sample) for sample in there])
        else:
            back = BACK[way](there)
        np.testing.assert_allclose(getattr(done, name), back, atol=LOGITS)
    np.testing.assert_allclose(done.log_likelihood, wanted.log_likelihood, atol=LOGITS)
    assert done.log_observed == pytest.approx(wanted.log_observed, abs=LOGITS)
    assert done.error == pytest.approx(wanted.error, abs=LOGITS)
    assert (done.error > 0) == (how == "sampled")
    found = model.log_likelihood(done.samples)
    np.testing.assert_allclose(found, done.log_likelihood, atol=LOGITS)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_last_is_completed_exactly(way):
    """Independent draws, as frequent as all completions of the image are probable."""
    model, draws = pair(way)[0], 4000
    hidden = np.zeros(SIZE, bool)
    hidden[LAST[way]] = True
    done = model.complete(IMAGE, hidden, samples=draws, exact_pixels=0, particles=1, seed=1)
    images = np.repeat(IMAGE.reshape(1, SIZE), 32, axis=0)
    images[:, hidden] = all_images(5)
    log_joint = model.log_likelihood(images)
    log_observed = np.logaddexp.reduce(log_joint)
    assert (done.error, done.log_observed) == (0, pytest.approx(log_observed, abs=LOGITS))
    p = np.exp(log_joint - log_observed)
    number = done.samples.reshape(draws, SIZE)[:, hidden] @ (1 << np.arange(4, -1, -1))
    # 5 standard errors of each count, and one for those too rare to be near normal.
    error = 5 * np.sqrt(draws * p * (1 - p)) + 1
    assert (np.abs(np.bincount(number, minlength=32) - draws * p) < error).all()


# --- The stages, on images of 4 x 4.


@pytest.fixture
def turned_folder(tmp_path, pixel_sets) -> Path:
    """The pixels of all splits, turned by hand, columns from the top right."""
    folder = tmp_path / "turned"
    folder.mkdir()
    for split, images in pixel_sets.items():
        save_pixels(folder / f"{split}.npz", turned_by_hand(images))
    return folder


WAY = "columns-top-right"


def turned_by_hand(images: PixelSet) -> PixelSet:
    pixels = [np.rot90(image.reshape(4, 4)).ravel() for image in images.pixels]
    return PixelSet(np.array(pixels), images.labels, images.description)


def back_by_hand(pixels: np.ndarray) -> np.ndarray:
    """Images [N, 16] in the order of reading, in raster order."""
    return np.reshape([np.rot90(image.reshape(4, 4), -1) for image in pixels], (-1, 16))


def train(folder: Path, out: Path, way: str) -> Predictor:
    run(
        train_predictor,
        train=folder / "train.npz",
        validation=folder / "validation.npz",
        out=out,
        checkpoints=out / "checkpoints",
        **arguments_of("train_predictor", cell="gru", units=4, layers=1, epochs=2, batch_size=8,
                       inputs="context", radius=1, orientation=way),
    )  # fmt: skip
    return load_predictor(out / "model.keras")


def test_a_study_of_a_turned_variant_is_one_of_turned_images(
    tmp_path, pixels_folder, turned_folder
):
    """Training, scores, samples, filled holes and their calibration."""
    folders = {WAY: pixels_folder, "raster": turned_folder}
    models = {way: train(folder, tmp_path / way, way) for way, folder in folders.items()}
    for one, other in zip(*(model.get_weights() for model in models.values()), strict=True):
        np.testing.assert_array_equal(one, other)
    assert models[WAY].pixels == load_pixels(pixels_folder / "train.npz").identity
    hidden = np.array([[0, 1, 5, 6, 9], [2, 3, 4, 8, 13], [0, 7, 10, 14, 15]])
    found: dict[str, dict] = {}
    for way, folder in folders.items():
        out, model = tmp_path / way, tmp_path / way / "model.keras"
        splits = {"train": folder / "train.npz", "test": folder / "test.npz"}
        run(score_predictor, model=model, **splits, images=0, out=out / "score")
        run(sample_images, model=model, **splits, images=6, seed=1, out=out / "sample")
        test = load_pixels(folder / "test.npz")
        places = hidden
        if way == "raster":
            marks = np.zeros((3, 16), bool)
            np.put_along_axis(marks, hidden, True, axis=1)
            places = np.array([np.flatnonzero(np.rot90(mark.reshape(4, 4))) for mark in marks])
        hole = out / "hole.npz"
        save_arrays(hole, test.description, hidden=places, pixels=test.pixels[:3])
        settings = SamplerSettings(
            exact_pixels=3, particles=4, chain_images=2, chains=2, moves=1, block=3,
            move_particles=3, sweeps=1, samples=5, seed=0,
        )  # fmt: skip
        run(fill_holes, model=model, train=splits["train"], hidden=(hole,), settings=settings,
            out=out / "filled")  # fmt: skip
        forecasts, _ = load_forecasts(out / "filled/hole.npz")
        found[way] = {"places": places, "forecasts": forecasts, "pixels": test.pixels[:3]}
    scores = [pd.read_csv(tmp_path / way / "score/scores.csv") for way in folders]
    pd.testing.assert_frame_equal(*scores)
    names = ("images", "nearest")
    drawn = [load_arrays(tmp_path / way / "sample/images.npz", *names)[0] for way in folders]
    for name in names:
        np.testing.assert_array_equal(drawn[0][name], back_by_hand(drawn[1][name]))
    distances = [pd.read_csv(tmp_path / way / "sample/distances.csv") for way in folders]
    pd.testing.assert_frame_equal(*distances)
    names = ["prefix", "smc", "particle_gibbs", "gibbs", "nearest_image", "pixel_frequencies"]
    assert list(found[WAY]["forecasts"]) == names
    for name, forecast in found[WAY]["forecasts"].items():
        other = found["raster"]["forecasts"][name]
        np.testing.assert_allclose(forecast.log_prob, other.log_prob, rtol=1e-6)
        for field in ("best", "marginals", "samples"):
            values, turned = getattr(forecast, field), getattr(other, field)
            for i, value in enumerate(values):
                written = np.zeros((*turned.shape[1:-1], 16)).reshape(-1, 16)
                written[:, found["raster"]["places"][i]] = turned[i]
                wanted = back_by_hand(written)[:, hidden[i]].reshape(value.shape)
                np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_a_calibration_of_what_is_read_last_finds_no_error(tmp_path, pixels_folder, pixel_set):
    """The left half, whose log p(observed) is exact; that of the right half is estimated."""
    Predictor("gru", 4, 1, pixel_set.identity, orientation=WAY).save(tmp_path / "model.keras")
    run(
        calibrate_posterior,
        model=tmp_path / "model.keras",
        test=pixels_folder / "test.npz",
        holes=("left-half", "right-half"),
        simulated=("left-half", "right-half"),
        cut=6,
        draws=6,
        bins=3,
        draw_particles=3,
        images=2,
        particles=(2, 3),
        runs=2,
        seed=0,
        out=tmp_path / "calibration",
    )
    errors = pd.read_csv(tmp_path / "calibration/errors.csv").set_index("hole")
    gaps = pd.read_csv(tmp_path / "calibration/calibration.csv").set_index("hole")
    for found in (errors["log_observed_sd"], gaps["bound_gap"].abs()):
        assert found["left-half"].tolist() == pytest.approx([0, 0], abs=LOGITS)
        assert (found["right-half"] > 10 * LOGITS).all()


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (sample_completions, "a hidden run"),
        (infer_patches, "a hidden patch"),
        (train_look_ahead, "a look-ahead"),
    ],
)
def test_stages_that_take_raster_order_alone_refuse_it(
    tmp_path, pixels_folder, pixel_set, script, what
):
    model = tmp_path / "model.keras"
    Predictor("gru", 4, 1, pixel_set.identity, orientation=WAY).save(model)
    save_arrays(
        tmp_path / "hole.npz",
        pixel_set.description | {"cut": 3, "hidden_runs": [1]},
        hidden=np.array([[3]]),
        pixels=pixel_set.pixels[:1],
        indices=np.array([0]),
    )
    given: dict = {"hidden": tmp_path / "hole.npz", "samples": 1, "seed": 0}
    if script is infer_patches:
        given = {"hidden": (tmp_path / "hole.npz",)}
    elif script is train_look_ahead:
        given = {name: pixels_folder / f"{name}.npz" for name in ("train", "validation")}
        given |= {"checkpoints": tmp_path / "checkpoints"}
        given |= arguments_of("train_look_ahead", epochs=1, meeting_units=2, row_units=2,
                              features=2)  # fmt: skip
    told = f"orientation is '{WAY}', and {what} needs raster; take a variant without orientation"
    with pytest.raises(ValueError, match=told):
        run(script, model=model, **given, out=tmp_path / "out")
