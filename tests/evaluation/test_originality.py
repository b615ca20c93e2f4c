"""The nearest training image, by brute force; and that a copy would be seen."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from draw_images import draw_images
from sample_images import sample_images
from scanline.data.pixels import PixelSet, save_pixels
from scanline.evaluation.originality import nearest
from scanline.files import load_arrays
from scanline.inference.ancestral import sample_images as sample
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


def test_a_model_of_labels_draws_all_classes_in_turn(pixel_sets, pixels_folder, tmp_path):
    identity, stage = pixel_sets["test"].identity, tmp_path / "tiny/sample/gru-4/seed-1/images"
    model = Predictor("gru", 4, 1, identity | {"classes": 2}, prior=(0.9, 0.1), seed=1)
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    model.save(tmp_path / "model.keras")
    splits = {}
    for name in ("train", "test"):
        images = pixel_sets[name]
        described = images.description | {"classes": 2}
        splits[name] = tmp_path / f"{name}.npz"
        save_pixels(splits[name], PixelSet(images.pixels, images.labels % 2, described))
    stage.mkdir(parents=True)
    sample_images(model=tmp_path / "model.keras", images=7, seed=2, out=stage, **splits)
    arrays, _ = load_arrays(stage / "images.npz", "images", "labels")
    assert arrays["labels"].tolist() == [0, 1, 0, 1, 0, 1, 0]
    of_class = [sample(model.of_class(label), 7, 16, 2) for label in range(2)]
    wanted = [of_class[label][place] for place, label in enumerate(arrays["labels"])]
    np.testing.assert_array_equal(arrays["images"], wanted)
    tables = (stage / "distances.csv",)
    draw_images(images=(stage / "images.npz",), distances=tables, out=tmp_path)
    assert (tmp_path / "figure-images-by-class-gru-4.png").is_file()
