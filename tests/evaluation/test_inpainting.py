"""The most probable completion beside the truth."""

import numpy as np
import pytest
from tabulated import SIZE, log_joint_table, tiny_predictor

from scanline.evaluation.inpainting import inpainted, score_inpainting, truth_arrays
from scanline.inference.exact import exact_posterior


@pytest.fixture(scope="module")
def problem():
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 2, (30, SIZE)).astype(np.uint8)
    hidden = np.array([np.sort(generator.choice(SIZE, 3, replace=False)) for _ in pixels])
    model = tiny_predictor("gru", 2, "context")
    return pixels, exact_posterior(model, pixels, hidden), log_joint_table(model)


def number_of(images: np.ndarray) -> np.ndarray:
    """The place of each image in the table."""
    return images.astype(int) @ (1 << np.arange(SIZE)[::-1])


def test_likelihoods_are_those_of_the_whole_images(problem):
    pixels, posterior, table = problem
    arrays = truth_arrays(pixels, posterior)
    # 1e-5: float32 logits against the same in one pass.
    np.testing.assert_allclose(arrays["log_likelihood_truth"], table[number_of(pixels)], atol=1e-5)
    best = table[number_of(inpainted(pixels, posterior))]
    np.testing.assert_allclose(arrays["log_likelihood_map"], best, atol=1e-5)


def test_no_completion_has_a_higher_cross_entropy_than_the_truth(problem):
    pixels, posterior, _ = problem
    arrays = truth_arrays(pixels, posterior)
    assert (arrays["log_likelihood_map"] >= arrays["log_likelihood_truth"]).all()
    same = (inpainted(pixels, posterior) == pixels).all(axis=1)
    assert (arrays["truth_rank"][same] == 0).all()
    assert (arrays["log_likelihood_map"] == arrays["log_likelihood_truth"])[same].all()
    assert (arrays["truth_rank"][~same] > 0).all()
    assert ((arrays["truth"] == arrays["map"]).all(axis=1) == same).all()


def test_scores_are_in_nats_per_pixel_of_the_whole_image(problem):
    pixels, posterior, table = problem
    scores = score_inpainting(pixels, posterior, "2x2").set_index("quantity")
    truth = -table[number_of(pixels)] / SIZE
    best = -table[number_of(inpainted(pixels, posterior))] / SIZE
    expected = {
        "ground_truth_mean": truth.mean(),
        "ground_truth_std": truth.std(),
        "map_mean": best.mean(),
        "map_std": best.std(),
        "difference_mean": (best - truth).mean(),
        "difference_std": (best - truth).std(),
    } | dict.fromkeys(("whole_accuracy", "pixel_accuracy", "marginal_accuracy"), 0.0)
    for n, places in enumerate(posterior.hidden):
        right = [posterior.map_completion[n, j] == pixels[n, t] for j, t in enumerate(places)]
        likely = [
            (posterior.marginals[n, j] > 0.5) == bool(pixels[n, t]) for j, t in enumerate(places)
        ]
        expected["whole_accuracy"] += all(right) / 30
        expected["pixel_accuracy"] += sum(right) / 90
        expected["marginal_accuracy"] += sum(likely) / 90
    for name, value in expected.items():
        assert scores.value[name] == pytest.approx(value, abs=1e-5), name
    assert scores.value["difference_mean"] <= 0
    assert set(scores.split_or_hidden) == {"2x2"}
    assert set(scores.n) == {30}
