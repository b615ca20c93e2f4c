"""Sequential Monte Carlo against the exact posterior of small images."""

import numpy as np
import pytest
from tabulated import (
    COMING_APART,
    EVERY_SECOND,
    SIZE,
    log_joint_table,
    number_of,
    random_sets,
    tiny_look_ahead,
    tiny_predictor,
)

from scanline.holes.sets import filled, values_at
from scanline.inference import smc as module
from scanline.inference.ancestral import prefix_completions
from scanline.inference.exact import exact_posterior
from scanline.inference.smc import Particles, beam_search, smc_posterior

# float32 logits, a sum of 8 terms of a few nats each.
TOLERANCE = 1e-5
RUNS = 400  # independent runs of one small problem, side by side as images


@pytest.fixture(params=["branch", "draw"])
def way(request, monkeypatch):
    """Both ways through a hole, whatever its size."""
    monkeypatch.setattr(module, "BRANCH_UP_TO", SIZE if request.param == "branch" else -1)


def images_of(found: Particles, pixels: np.ndarray) -> np.ndarray:
    """The image of every particle, [N * P, T]."""
    count = found.values.shape[1]
    return filled(
        np.repeat(pixels, count, axis=0),
        np.repeat(found.hidden, count, axis=0),
        found.values.reshape(len(pixels) * count, -1),
    )


def check_equal(found: Particles, expected: Particles) -> None:
    """The same particles; weights to float32's last digits."""
    assert (found.values == expected.values).all()
    for name in ("log_weights", "log_likelihood", "log_observed", "effective_sample_size"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=TOLERANCE, atol=TOLERANCE
        )


@pytest.mark.parametrize("count", [1, 4, SIZE - 1, SIZE])
def test_likelihoods_are_those_of_the_completed_images(model, way, count):
    pixels, hidden = random_sets(5, count, seed=count)
    found = smc_posterior(model, pixels, hidden, 6, 0)
    expected = log_joint_table(model)[number_of(images_of(found, pixels))]
    np.testing.assert_allclose(found.log_likelihood.reshape(-1), expected, atol=TOLERANCE)
    np.testing.assert_allclose(np.exp(found.log_weights).sum(axis=1), 1)


def check_unbiased(
    model, image: np.ndarray, hidden: np.ndarray, particles: int, look_ahead=None
) -> Particles:
    """p(observed), and each completion's share of it, in the mean over many runs."""
    exact = exact_posterior(model, image[None], hidden[None])
    pixels, places = np.tile(image, (RUNS, 1)), np.tile(hidden, (RUNS, 1))
    runs = smc_posterior(model, pixels, places, particles, 1, look_ahead=look_ahead)
    ratio = np.exp(runs.log_observed - exact.log_observed)
    # 5 standard errors, and float32 where all runs agree.
    assert abs(ratio.mean() - 1) < 5 * ratio.std(ddof=1) / RUNS**0.5 + TOLERANCE
    share = np.zeros((RUNS, 2 ** len(hidden)))
    weights = np.exp(runs.log_weights) * ratio[:, None]
    np.add.at(share, (np.arange(RUNS)[:, None], number_of(runs.values)), weights)
    error = 5 * share.std(axis=0, ddof=1) / RUNS**0.5
    # A completion that 400 runs hardly ever hold has no error to go by: 5 runs' worth of it.
    rare = 5 / RUNS
    assert (np.abs(share.mean(axis=0) - np.exp(exact.log_posterior[0])) < error + rare).all()
    return runs


def test_estimates_are_unbiased(model, way):
    pixels, hidden = random_sets(1, 5, seed=3)
    check_unbiased(model, pixels[0], hidden[0], 6)


@pytest.mark.parametrize(("settings", "image"), COMING_APART)
def test_estimates_are_unbiased_where_particles_are_resampled(settings, image, monkeypatch):
    """Likelihoods are those of the images, too: a particle's pixels are those of its parents."""
    monkeypatch.setattr(module, "BRANCH_UP_TO", -1)
    model, image = tiny_predictor(**settings), np.array(image, np.uint8)
    runs = check_unbiased(model, image, EVERY_SECOND, 6)
    ess = runs.effective_sample_size
    resampled = ess[:, EVERY_SECOND[1:] - 1] < 3
    assert resampled.mean() > 0.15
    np.testing.assert_allclose(ess[:, EVERY_SECOND[1:]][resampled], 6)
    untouched = ess[:, EVERY_SECOND[1:]][~resampled]
    np.testing.assert_allclose(untouched, ess[:, EVERY_SECOND[1:] - 1][~resampled])
    images = images_of(runs, np.tile(image, (RUNS, 1)))
    expected = log_joint_table(model)[number_of(images)]
    np.testing.assert_allclose(runs.log_likelihood.reshape(-1), expected, atol=1e-4)  # float32


def test_estimates_are_unbiased_whatever_the_look_ahead_proposes(model, way):
    pixels, hidden = random_sets(1, 5, seed=3)
    check_unbiased(model, pixels[0], hidden[0], 6, tiny_look_ahead(model, spread=0.5))


@pytest.mark.parametrize(("settings", "image"), COMING_APART)
def test_a_look_ahead_s_particles_are_weighted_by_what_lies_between(settings, image, monkeypatch):
    """Of a hole with gaps, each particle's weight is p(image) / q(hidden), up to one number."""
    monkeypatch.setattr(module, "BRANCH_UP_TO", -1)
    model, image = tiny_predictor(**settings), np.array(image, np.uint8)
    companion = tiny_look_ahead(model, spread=0.5)
    runs = check_unbiased(model, image, EVERY_SECOND, 6, companion)
    places = np.tile(EVERY_SECOND, (6, 1))
    pixels = filled(np.tile(image, (6, 1)), places, runs.values[0])
    proposed = prefix_completions(model, pixels, places, 1, 0, companion).log_probs.sum(axis=1)
    weights = runs.log_likelihood[0] - proposed
    expected = weights - np.logaddexp.reduce(weights)
    np.testing.assert_allclose(runs.log_weights[0], expected, atol=1e-4)  # float32
    assert np.ptp(expected) > 0.1
    images = images_of(runs, np.tile(image, (RUNS, 1)))
    expected = log_joint_table(model)[number_of(images)]
    np.testing.assert_allclose(runs.log_likelihood.reshape(-1), expected, atol=1e-4)  # float32


@pytest.mark.parametrize("count", [3, SIZE])
def test_where_nothing_is_observed_ahead_a_look_ahead_changes_nothing(model, way, count):
    pixels, _ = random_sets(3, 1, seed=2)
    hidden = np.tile(np.arange(SIZE - count, SIZE), (3, 1))
    alone = smc_posterior(model, pixels, hidden, 16, 0)
    beside = smc_posterior(model, pixels, hidden, 16, 0, look_ahead=tiny_look_ahead(model))
    for ours, theirs in zip(alone, beside, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    samples = [
        prefix_completions(model, pixels, hidden, 16, 0, look_ahead).samples
        for look_ahead in (None, tiny_look_ahead(model))
    ]
    np.testing.assert_array_equal(*samples)


@pytest.mark.parametrize("count", [1, 5, SIZE - 1, SIZE])
def test_branching_is_exact_where_every_completion_has_a_particle(model, count):
    pixels, hidden = random_sets(5, count, seed=1)
    exact = exact_posterior(model, pixels, hidden)
    found = smc_posterior(model, pixels, hidden, 2**count, 0)
    np.testing.assert_allclose(found.log_observed, exact.log_observed, atol=TOLERANCE)
    np.testing.assert_allclose(found.marginals, exact.marginals, atol=TOLERANCE)
    order = np.argsort(number_of(found.values), axis=1)
    log_posterior = np.take_along_axis(found.log_weights, order, axis=1)
    np.testing.assert_allclose(log_posterior, exact.log_posterior, atol=TOLERANCE)


def test_marginals_are_within_their_error(model, monkeypatch):
    monkeypatch.setattr(module, "BRANCH_UP_TO", -1)
    pixels, hidden = random_sets(6, 6, seed=4)
    exact = exact_posterior(model, pixels, hidden)
    found = smc_posterior(model, pixels, hidden, 3000, 0)
    size = found.effective_sample_size[:, -1:]
    error = np.sqrt(exact.marginals * (1 - exact.marginals) / size)
    assert (np.abs(found.marginals - exact.marginals) < 5 * error + 5 / size).all()


def test_particles_beyond_one_population(way, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 4)
    model = tiny_predictor("gru", 2, "context")
    pixels, hidden = random_sets(1, 5, seed=3)
    exact = exact_posterior(model, pixels, hidden)
    ratio = []
    for seed in range(40):
        found = smc_posterior(model, pixels, hidden, 10, seed)  # 4 + 4 + 2
        assert found.values.shape == (1, 10, 5)
        assert np.exp(found.log_weights).sum() == pytest.approx(1)
        ratio.append(np.exp(found.log_observed - exact.log_observed).item())
    assert abs(np.mean(ratio) - 1) < 5 * np.std(ratio, ddof=1) / 40**0.5


def test_the_seed_decides_and_grouping_does_not(model, look_ahead, way, monkeypatch):
    pixels, hidden = random_sets(7, 4, seed=2)
    hidden[1] = np.arange(SIZE - 4, SIZE)  # of this image nothing is observed ahead
    found = smc_posterior(model, pixels, hidden, 5, 3, look_ahead=look_ahead)
    check_equal(smc_posterior(model, pixels, hidden, 5, 3, look_ahead=look_ahead), found)
    check_equal(
        smc_posterior(model, pixels[:3], hidden[:3], 5, 3, look_ahead=look_ahead),
        Particles(*(field[:3] for field in found)),
    )
    monkeypatch.setattr(module, "ROWS", 10)  # two images a group
    monkeypatch.setattr(module, "STEPS_IN_MEMORY", 20)
    check_equal(smc_posterior(model, pixels, hidden, 5, 3, look_ahead=look_ahead), found)
    other = smc_posterior(model, pixels, hidden, 5, 4, look_ahead=look_ahead)
    assert (other.values != found.values).any()


def test_hidden_values_are_not_read(model, look_ahead, way):
    pixels, hidden = random_sets(5, 3, seed=1)
    flipped = filled(pixels, hidden, 1 - values_at(pixels, hidden))
    check_equal(
        smc_posterior(model, flipped, hidden, 4, 0, look_ahead=look_ahead),
        smc_posterior(model, pixels, hidden, 4, 0, look_ahead=look_ahead),
    )


def test_nothing_hidden_is_the_likelihood(model, look_ahead, way):
    pixels, hidden = random_sets(4, 0, seed=1)
    found = smc_posterior(model, pixels, hidden, 3, 0, look_ahead=look_ahead)
    expected = log_joint_table(model)[number_of(pixels)]
    np.testing.assert_allclose(found.log_observed, expected, atol=TOLERANCE)
    np.testing.assert_allclose(found.log_likelihood, np.tile(expected[:, None], 3), atol=TOLERANCE)
    assert found.map_completion.shape == (4, 0)


def test_effective_sample_sizes_are_of_the_weights_by_step(model, monkeypatch):
    """With one hidden pixel nothing is resampled: a particle's weight is the likelihood since."""
    monkeypatch.setattr(module, "BRANCH_UP_TO", -1)
    pixels, _ = random_sets(1, 1, seed=5)
    found = smc_posterior(model, pixels, np.array([[2]]), 7, 0)
    images = images_of(found, pixels)
    logits = model(images).numpy().astype(float)
    log_p = -np.logaddexp(0, (1 - 2.0 * images) * logits)
    weights = np.exp(np.cumsum(log_p[:, 3:], axis=1))
    expected = weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0)
    np.testing.assert_allclose(found.effective_sample_size[0, :3], 7)
    np.testing.assert_allclose(found.effective_sample_size[0, 3:], expected, rtol=TOLERANCE)
    np.testing.assert_allclose(
        np.exp(found.log_weights[0]), weights[:, -1] / weights[:, -1].sum(), rtol=1e-4
    )


def test_effective_sample_sizes_of_branches_are_of_all_beginnings_by_step(model):
    """Before the first hidden pixel there is one; then as many as there are ways to fill it."""
    pixels, _ = random_sets(3, 1, seed=5)
    hidden = np.tile([2, 3, 5], (3, 1))
    found = smc_posterior(model, pixels, hidden, 8, 0)
    images = images_of(found, pixels)
    logits = model(images).numpy().astype(float)
    log_p = -np.logaddexp(0, (1 - 2.0 * images) * logits).reshape(3, 8, SIZE)
    for n in range(3):
        for t in range(SIZE):
            of_beginning = {
                image[: t + 1].tobytes(): np.exp(nats[: t + 1].sum())
                for image, nats in zip(images.reshape(3, 8, SIZE)[n], log_p[n], strict=True)
            }
            weights = np.array(list(of_beginning.values()))
            expected = weights.sum() ** 2 / (weights**2).sum()
            assert found.effective_sample_size[n, t] == pytest.approx(expected, rel=1e-4), (n, t)


def test_particle_0_is_the_reference(model, look_ahead):
    pixels, hidden = random_sets(20, 6, seed=8)
    reference = np.random.default_rng(1).integers(0, 2, (20, 6)).astype(np.uint8)
    found = smc_posterior(model, pixels, hidden, 3, 0, reference, look_ahead)
    assert (found.values[:, 0] == reference).all()
    assert (found.values[:, 1:] != reference[:, None]).any()


def test_a_wide_beam_finds_the_best(model, look_ahead):
    pixels, hidden = random_sets(6, 5, seed=6)
    exact = exact_posterior(model, pixels, hidden)
    values, log_likelihood = beam_search(model, pixels, hidden, 32, look_ahead)
    np.testing.assert_allclose(log_likelihood, exact.log_joint.max(axis=1), atol=TOLERANCE)
    own = np.take_along_axis(exact.log_joint, exact.index_of(values)[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(own, log_likelihood, atol=TOLERANCE)


def test_a_beam_of_one_takes_the_likelier_value_each_time(model):
    pixels, hidden = random_sets(3, SIZE, seed=6)
    values, log_likelihood = beam_search(model, pixels, hidden, 1)
    greedy = np.zeros_like(pixels)
    for t in range(SIZE):
        greedy[:, t] = model(greedy).numpy()[:, t] > 0
    assert (values == greedy).all()
    expected = log_joint_table(model)[number_of(greedy)]
    np.testing.assert_allclose(log_likelihood, expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"particles": 0}, "particles is 0; allowed: 1 and above"),
        ({"seed": -1}, "seed is -1; allowed: 0 and above"),
        ({"hidden": np.array([[2, 1]])}, r"hidden of image 0 is \[2, 1\]; allowed: .* ascending"),
        (
            {"reference": np.zeros((1, 2)), "particles": 5000},
            "particles is 5000; with a reference at most 4096",
        ),
    ],
)
def test_errors_say_what_is_allowed(changed, message):
    given = dict(hidden=np.array([[1, 2]]), particles=2, seed=0) | changed
    with pytest.raises(ValueError, match=message):
        smc_posterior(tiny_predictor(), np.zeros((1, SIZE), np.uint8), **given)


def test_a_beam_has_a_width():
    with pytest.raises(ValueError, match="width is 0; allowed: 1 to"):
        beam_search(tiny_predictor(), np.zeros((1, SIZE), np.uint8), np.array([[1]]), 0)
