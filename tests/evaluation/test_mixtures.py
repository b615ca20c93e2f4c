"""Mixtures of models that read in several orders, against means of probabilities by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from tabulated import all_images

from mix_predictors import mix_predictors
from scanline.evaluation.mixtures import mixed
from scanline.files import load_arrays, save_arrays
from scanline.library import LoadedPredictor
from scanline.models.predictor import Predictor
from scanline.provenance.stage import run

ARRAYS = ("log_likelihood", "train_log_likelihood")


def log_p(way: str, rows: int, columns: int) -> np.ndarray:
    """log p of every image of that size under a model of its own weights: [2**size] nats."""
    pixels = {"rows": rows, "columns": columns}
    model = Predictor("gru", 5, 1, pixels, "context", radius=1, orientation=way)
    generator = np.random.default_rng(len(way))
    model.set_weights([generator.normal(0, 1.2, w.shape) for w in model.get_weights()])
    images = all_images(rows * columns).reshape(-1, rows, columns)
    return LoadedPredictor(model, way).log_likelihood(images)


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 3)])
def test_a_mixture_of_orientations_adds_up_to_one_over_all_images(rows, columns):
    ways = ("raster", "rows-bottom-left", "columns-top-right")
    members = np.array([log_p(way, rows, columns) for way in ways])
    found = mixed(members)
    assert found.shape == (2 ** (rows * columns),)
    assert math.fsum(np.exp(found)) == pytest.approx(1, abs=1e-5)  # float32 logits
    assert np.abs(members[0] - found).max() > 0.1  # the members differ


def test_it_is_the_mean_of_probabilities():
    log_likelihoods = np.random.default_rng(0).normal(-3, 2, (3, 5))
    found = mixed(log_likelihoods)
    for image, nats in enumerate(found):
        p = [math.exp(one) for one in log_likelihoods[:, image]]
        assert nats == pytest.approx(math.log(sum(p) / 3), rel=1e-12)


def test_it_is_exact_where_probabilities_are_too_small_for_numbers():
    found = mixed(np.array([[-4000.0, -1000], [-4001, -1000]], np.float32))
    wanted = [-4000 + math.log((1 + math.exp(-1)) / 2), -1000]
    assert found.tolist() == pytest.approx(wanted, rel=1e-12)


def scored(path, seed: int, **changes) -> dict[str, np.ndarray]:
    """The file of a model that was scored on 4 images of the test split, 6 of the training one."""
    generator = np.random.default_rng(seed)
    found = {name: generator.normal(-9, 2, n) for name, n in zip(ARRAYS, (4, 6), strict=True)}
    save_arrays(path, {"rows": 2, "columns": 5, "split": "test"} | changes, **found)
    return found


def test_its_scores_are_those_of_a_model_but_for_accuracies(tmp_path):
    paths = tuple(tmp_path / f"{seed}.npz" for seed in (1, 2, 3))
    given = [scored(path, seed, source="mine") for seed, path in enumerate(paths)]
    run(mix_predictors, likelihoods=paths, out=tmp_path / "score")
    scores = pd.read_csv(tmp_path / "score/scores.csv")
    by = scores.set_index(["split_or_hidden", "quantity"])
    assert scores.columns.tolist() == ["quantity", "split_or_hidden", "value", "n"]
    arrays, description = load_arrays(tmp_path / "score/log_likelihoods.npz", *ARRAYS)
    assert description == {"rows": 2, "columns": 5, "split": "test", "source": "mine"}
    for split, name, count in (("test", ARRAYS[0], 4), ("train", ARRAYS[1], 6)):
        wanted = np.log(np.mean([np.exp(each[name]) for each in given], axis=0))
        np.testing.assert_allclose(arrays[name], wanted, rtol=1e-12)
        nats = -wanted.mean()
        found = by.loc[split]
        assert found["value"].to_dict() == pytest.approx(
            {
                "nats_per_pixel": nats / 10,
                "nats_per_image": nats,
                "bits_per_image": nats / math.log(2),
            }
        )
        assert set(found["n"]) == {count}


def test_models_of_other_data_are_marked(tmp_path):
    paths = tuple(tmp_path / f"{seed}.npz" for seed in (1, 2))
    for seed, path in enumerate(paths):
        scored(path, seed, trained_on="elsewhere")
    run(mix_predictors, likelihoods=paths, out=tmp_path / "score")
    assert set(pd.read_csv(tmp_path / "score/scores.csv")["trained_on"]) == {"elsewhere"}


@pytest.mark.parametrize("fault", ["other images", "fewer images"])
def test_models_that_were_scored_on_other_images_are_not_mixed(tmp_path, fault):
    scored(tmp_path / "a.npz", 1)
    found = scored(tmp_path / "b.npz", 2, **({"source": "b"} if fault == "other images" else {}))
    if fault == "fewer images":
        fewer = {name: values[:-1] for name, values in found.items()}
        save_arrays(tmp_path / "b.npz", load_arrays(tmp_path / "b.npz")[1], **fewer)
    with pytest.raises(ValueError, match=r"b\.npz is of other images than .*a\.npz; mix models th"):
        run(
            mix_predictors,
            likelihoods=(tmp_path / "a.npz", tmp_path / "b.npz"),
            out=tmp_path / "score",
        )
