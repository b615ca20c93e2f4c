"""Next-pixel models that read in another order: raster models of images turned by hand."""

import numpy as np
import pytest
from tabulated import BY_HAND, all_images

from scanline.models.export import export_stock
from scanline.models.predictor import Predictor, load_predictor

TURNED = [way for way in BY_HAND if way != "raster"]
LOGITS = 1e-6  # the same sums; float32


def tiny(way: str, rows: int = 2, columns: int = 3, inputs: str = "context", **options):
    """A model with large weights, so that pixels depend strongly on those before."""
    pixels = {"rows": rows, "columns": columns, "classes": 3}
    model = Predictor("gru", 5, 1, pixels, inputs, radius=1, orientation=way, **options)
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(0, 1.2, w.shape) for w in model.get_weights()])
    return model


def by_hand(way: str, images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Images [N, T], each turned as a grid."""
    grids = [BY_HAND[way](image.reshape(rows, columns)) for image in images]
    return np.reshape(grids, images.shape)


def log_p(model: Predictor, images: np.ndarray) -> np.ndarray:
    """log p of images [N, T] in raster order, nats, from a plain forward pass."""
    turned = model.orientation.turned(images)
    logits = model(turned).numpy().astype(np.float64)
    return -np.logaddexp(0, (1 - 2.0 * turned) * logits).sum(axis=1)


@pytest.mark.parametrize("way", TURNED)
def test_a_turned_model_is_a_raster_model_of_turned_images(way):
    """Its neighbourhood and its places are those of the turned image, too, which is not square."""
    images = all_images(6)
    shape = BY_HAND[way](np.zeros((2, 3))).shape
    raster = tiny("raster", *shape)
    raster.set_weights(tiny(way).get_weights())
    wanted = raster(by_hand(way, images, 2, 3)).numpy()
    model = tiny(way)
    np.testing.assert_allclose(model(model.orientation.turned(images)), wanted, atol=LOGITS)
    assert (model.pixels["rows"], model.pixels["columns"]) == (2, 3)


@pytest.mark.parametrize("way", TURNED)
def test_its_likelihoods_add_up_to_one(way):
    for rows, columns in ((2, 3), (3, 3)):
        total = np.logaddexp.reduce(log_p(tiny(way, rows, columns), all_images(rows * columns)))
        assert total == pytest.approx(0, abs=1e-5)  # float32


@pytest.mark.parametrize("inputs", ["previous", "context"])
@pytest.mark.parametrize("way", TURNED)
def test_a_pixel_changes_no_logit_of_a_pixel_that_is_read_before_it(way, inputs):
    """Where a pixel is read is told by an image of numbers that is turned by hand."""
    model = tiny(way, 3, 4, inputs)
    read = list(BY_HAND[way](np.arange(12).reshape(3, 4)).ravel())
    image = np.random.default_rng(1).integers(0, 2, 12).astype(np.uint8)
    before = model(model.orientation.turned(image[None])).numpy()
    for pixel in range(12):
        other = image.copy()
        other[pixel] ^= 1
        after = model(model.orientation.turned(other[None])).numpy()
        step = read.index(pixel)
        np.testing.assert_array_equal(after[:, : step + 1], before[:, : step + 1])
        assert step == 11 or (after[:, step + 1] != before[:, step + 1]).all()


def test_a_model_keeps_its_orientation_in_a_file_and_of_a_class(tmp_path):
    images = all_images(6)
    model = tiny("columns-bottom-left", prior=(0.2, 0.5, 0.3))
    model.save(tmp_path / "model.keras")
    loaded = load_predictor(tmp_path / "model.keras")
    for each in (loaded, loaded.of_class(1)):
        assert each.orientation.way == "columns-bottom-left"
    turned = model.orientation.turned(images)
    told = model(turned, np.ones(64)).numpy()
    np.testing.assert_allclose(loaded(turned, np.ones(64)), told, atol=LOGITS)
    np.testing.assert_allclose(loaded.of_class(1)(turned), told, atol=1e-5)  # another order of sums


def test_the_file_of_a_raster_model_says_nothing_of_it():
    assert "orientation" not in tiny("raster").get_config()
    assert tiny("rows-top-right").get_config()["orientation"] == "rows-top-right"


def test_an_export_takes_raster_order_alone():
    told = "orientation is 'rows-top-right', and an export needs raster; take a variant without"
    with pytest.raises(ValueError, match=told):
        export_stock(tiny("rows-top-right"))
