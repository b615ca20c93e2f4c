"""The nearest training image, by brute force; and that a copy would be seen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sample_images import sample_images
from scanline.evaluation.originality import nearest
from scanline.files import load_arrays
from scanline.models.predictor import Predictor


def binary(count: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.uint8, (count, 9), elements=st.integers(0, 1))


@given(binary(4), binary(6))
def test_the_nearest_is_found_by_trying_all(images, training):
    chosen, distances = nearest(images, training)
    for image, place, distance in zip(images, chosen, distances, strict=True):
        tried = [int((image != each).sum()) for each in training]
        assert distance == min(tried)
        assert place == tried.index(min(tried))


def test_a_copy_has_no_distance():
    training = np.random.default_rng(0).integers(0, 2, (500, 64)).astype(np.uint8)
    chosen, distances = nearest(training[[7, 3, 499]], training)
    assert chosen.tolist() == [7, 3, 499]
    assert distances.tolist() == [0, 0, 0]


def test_the_script_draws_images_and_measures_test_images_too(pixel_sets, pixels_folder, tmp_path):
    import pandas as pd

    model, out = tmp_path / "model.keras", tmp_path / "out"
    out.mkdir()
    Predictor("gru", 4, 1, pixel_sets["test"].identity, seed=1).save(model)
    splits = {name: pixels_folder / f"{name}.npz" for name in ("train", "test")}
    sample_images(model=model, images=5, seed=2, out=out, **splits)
    arrays, description = load_arrays(out / "images.npz", "images", "nearest", "nearest_indices")
    assert arrays["images"].shape == (5, 16)
    train = pixel_sets["train"].pixels
    np.testing.assert_array_equal(arrays["nearest"], train[arrays["nearest_indices"]])
    assert (description["rows"], description["columns"]) == (4, 4)
    table = pd.read_csv(out / "distances.csv").groupby("of")["pixels_that_differ"]
    assert table.size().to_dict() == {"samples": 5, "test images": 5}
    drawn = (arrays["images"] != arrays["nearest"]).sum(axis=1)
    assert table.get_group("samples").tolist() == drawn.tolist()
    unseen = nearest(pixel_sets["test"].pixels[:5], train)[1]
    assert table.get_group("test images").tolist() == unseen.tolist()
