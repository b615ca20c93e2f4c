"""Completions without a model, against loops."""

import numpy as np
import pytest

from scanline.inference import baselines as module
from scanline.inference.baselines import ink_frequencies, nearest_images


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def nearest_by_loop(image: np.ndarray, hidden: np.ndarray, training: np.ndarray) -> int:
    observed = [t for t in range(len(image)) if t not in hidden]
    distances = [sum(int(image[t] != other[t]) for t in observed) for other in training]
    return distances.index(min(distances))


@pytest.mark.parametrize("group", [256, 2])
def test_the_nearest_image_is_the_first_with_fewest_differences(generator, monkeypatch, group):
    monkeypatch.setattr(module, "IMAGES", group)
    training = generator.integers(0, 2, (40, 12)).astype(np.uint8)
    pixels = generator.integers(0, 2, (9, 12)).astype(np.uint8)
    hidden = np.stack([np.sort(generator.choice(12, 5, replace=False)) for _ in pixels])
    found = nearest_images(pixels, hidden, training)
    wanted = [nearest_by_loop(*each, training) for each in zip(pixels, hidden, strict=True)]
    assert found.tolist() == wanted


def test_hidden_pixels_do_not_count(generator):
    training = generator.integers(0, 2, (30, 12)).astype(np.uint8)
    pixels = training[:6].copy()
    hidden = np.tile([3, 4], (6, 1))
    pixels[:, [3, 4]] ^= 1
    found = training[nearest_images(pixels, hidden, training)]
    observed = [t for t in range(12) if t not in (3, 4)]
    assert (found[:, observed] == pixels[:, observed]).all()


def test_frequencies_are_laplace_s(generator):
    training = generator.integers(0, 2, (30, 12)).astype(np.uint8)
    training[:, 0] = 0
    training[:, 1] = 1
    wanted = [(sum(int(p) for p in training[:, t]) + 1) / 32 for t in range(12)]
    np.testing.assert_allclose(ink_frequencies(training), wanted, rtol=1e-12)
