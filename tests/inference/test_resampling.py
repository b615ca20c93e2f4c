"""Branching, resampling and effective numbers against their definitions."""

import numpy as np
import pytest
import tensorflow as tf

from scanline.inference import resampling


def log_weights(images: int, children: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (images, children))


def kept(joint: np.ndarray, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    children, log_weights = resampling.branch(tf.constant(joint), tf.constant(uniform))
    return children.numpy(), log_weights.numpy()


def test_the_threshold_solves_its_equation():
    weights = np.exp(log_weights(50, 16))
    c = resampling.threshold_of(tf.constant(weights), tf.constant(8)).numpy()
    np.testing.assert_allclose(np.minimum(weights / c, 1).sum(axis=1), 8)


def test_heavy_children_are_kept_and_light_ones_drawn_without_bias():
    """Over a fine grid of the uniform number the mean weight of every child is its own."""
    joint, grid = log_weights(1, 16), 20_000
    weights = np.exp(joint[0])
    uniform = (np.arange(grid) + 0.5) / grid
    children, after = kept(np.repeat(joint, grid, axis=0), uniform)
    assert all(len(set(row)) == 8 for row in children)
    total = np.zeros((grid, 16))
    np.put_along_axis(total, children, np.exp(after), axis=1)
    c = resampling.threshold_of(tf.constant(weights[None]), tf.constant(8)).numpy().item()
    # A child's share of the grid is a count, wrong by at most 1 at both ends.
    np.testing.assert_allclose(total.mean(axis=0), weights, atol=2 * c / grid)
    heavy = weights >= c
    assert heavy.any()
    assert (~heavy).any()
    np.testing.assert_allclose(total[:, heavy], np.tile(weights[heavy], (grid, 1)))
    light = total[:, ~heavy]
    np.testing.assert_allclose(light[light > 0], c)


def test_few_children_all_live():
    joint = np.full((3, 8), -np.inf)
    joint[:, [1, 4, 6]] = log_weights(3, 3)
    children, after = kept(joint, np.array([0.0, 0.4, 0.999]))
    assert (children[:, :3] == [1, 4, 6]).all()
    np.testing.assert_allclose(after[:, :3], joint[:, [1, 4, 6]])
    assert (after[:, 3] == -np.inf).all()


@pytest.mark.parametrize("scale", [0.0, -800.0, 500.0])
def test_effective_size(scale):
    with np.errstate(divide="ignore"):
        log_weights = np.log([[0.5, 0.25, 0.25, 0.0]]) + scale
    found = resampling.effective_size(tf.constant(log_weights))
    np.testing.assert_allclose(found, [1 / (0.25 + 2 * 0.0625)])


def test_only_images_of_few_effective_particles_are_resampled():
    log_weights = np.log([[0.01, 0.97, 0.01, 0.01], [0.3, 0.3, 0.2, 0.2]]) - 90
    uniform = np.array([[0.005, 0.3, 0.7, 0.985]] * 2)
    parents, weights = resampling.resample(tf.constant(log_weights), tf.constant(uniform))
    assert parents.numpy().tolist() == [[0, 1, 1, 2], [0, 1, 2, 3]]
    np.testing.assert_allclose(weights[0], np.log(0.25) - 90)
    np.testing.assert_allclose(weights[1], log_weights[1])


def test_systematic_resampling_gives_each_its_share():
    """A particle of weight w has floor(P w) or one more children, P w in the mean."""
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.full(16, 0.2))
    grid = 1000
    uniform = (np.arange(16) + (np.arange(grid)[:, None] + 0.5) / grid) / 16
    parents, _ = resampling.resample(
        tf.constant(np.tile(np.log(weights), (grid, 1))), tf.constant(uniform)
    )
    counts = np.stack([np.bincount(row, minlength=16) for row in parents.numpy()])
    assert (np.abs(counts - 16 * weights) < 1).all()
    # A count over the grid is wrong by at most 1 at each end of an interval.
    np.testing.assert_allclose(counts.mean(axis=0), 16 * weights, atol=2 / grid)


def drawn_ink(ink: np.ndarray, uniform: np.ndarray, log_weights: np.ndarray) -> np.ndarray:
    weights = np.broadcast_to(np.asarray(log_weights, np.float64), ink.shape)
    arguments = (tf.constant(each) for each in (ink, uniform, weights))
    return resampling.draw_ink(*arguments).numpy()


def test_pixels_have_their_probability_and_alike_particles_their_share():
    grid = 4000
    ink = np.tile([0.3, 0.3, 0.3, 0.3, 0.9, 0.0, 1.0], (grid, 1))
    uniform = np.repeat((np.arange(grid)[:, None] + 0.5) / grid, 7, axis=1)
    for log_weights in (np.zeros(7), np.array([2.0, 0, 0, 1, -1, 5, 1])):
        drawn = drawn_ink(ink, uniform, log_weights)
        # A pixel's share of the grid is a count, wrong by at most 1 at both ends.
        np.testing.assert_allclose(drawn.mean(axis=0), ink[0], atol=2 / grid)
    drawn = drawn_ink(ink, uniform, np.zeros(7))
    assert set(drawn[:, :4].sum(axis=1)) == {1, 2}  # of four alike, 1.2 in the mean


@pytest.mark.parametrize("nats", [6.0, 0.1])
def test_particles_of_like_weight_have_their_share_wherever_they_stand(nats):
    """Heavy and light ones in turn: as many as may be of each kind have ink, to one."""
    grid = 500
    heavy = np.arange(16) % 2 == 0
    ink = np.full((grid, 16), 0.4)
    uniform = np.repeat((np.arange(grid)[:, None] + 0.5) / grid, 16, axis=1)
    drawn = drawn_ink(ink, uniform, np.where(heavy, nats / 2, -nats / 2))
    for kind in (heavy, ~heavy):
        assert set(drawn[:, kind].sum(axis=1)) == {3, 4}  # of eight, 3.2 in the mean


def test_the_order_of_weights_does_not_couple_ink_to_weight():
    """The mean weight of those with ink is right on average: sequential Monte Carlo's, unbiased."""
    generator = np.random.default_rng(1)
    grid = 4000
    log_weights, ink = generator.normal(size=16), generator.random(16)
    uniform = np.repeat((np.arange(grid)[:, None] + 0.5) / grid, 16, axis=1)
    drawn = drawn_ink(np.tile(ink, (grid, 1)), uniform, log_weights)
    found = (drawn * np.exp(log_weights)).sum(axis=1)
    expected = (ink * np.exp(log_weights)).sum()
    # Each of 16 counts is wrong by at most 1 at both ends.
    assert found.mean() == pytest.approx(expected, abs=2 * np.exp(log_weights).sum() / grid)
    independent = (ink * (1 - ink) * np.exp(2 * log_weights)).sum()
    assert found.var() < independent / 2


def test_a_number_a_particle_draws_independently():
    ink = np.tile([0.3, 0.8], (20_000, 1))
    uniform = np.random.default_rng(0).random(ink.shape)
    drawn = drawn_ink(ink, uniform, np.array([0.0, -1.0]))
    # 5 standard errors of a mean, and of a correlation.
    np.testing.assert_allclose(drawn.mean(axis=0), ink[0], atol=5 * 0.46 / 20_000**0.5)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 5 / 20_000**0.5


def test_numbers_outside_force_a_pixel():
    ink = np.array([[1.0, 0.0, 1e-12, 1 - 1e-12]])
    for value, pixel in ((-1.0, 1), (2.0, 0)):
        assert (drawn_ink(ink, np.full((1, 4), value), np.arange(4)) == pixel).all()


def test_a_number_that_rounding_made_1_forces_no_pixel():
    ink, none = np.array([[0.5, 0.2, 0.9, 0.4]]), np.zeros(4)
    assert (drawn_ink(ink, np.ones((1, 4)), none) == drawn_ink(ink, np.zeros((1, 4)), none)).all()
    assert drawn_ink(ink, np.ones((1, 4)), none).any()


def test_a_number_that_rounding_made_1_draws_the_last_particle():
    """Numbers are float32, of which the largest below 1 may be rounded to 1."""
    log_weights = np.full((1, 8), -np.inf)
    log_weights[0, :3] = np.log([0.98, 0.01, 0.01])
    parents, _ = resampling.resample(tf.constant(log_weights), tf.ones((1, 8)))
    assert parents.numpy().max() < 8


def test_images_are_branched_by_themselves():
    """One image's particles may weigh less than another's by any factor."""
    joint = log_weights(1, 16)
    alone, weights = kept(joint, np.array([0.3]))
    children, after = kept(np.concatenate([joint, joint + 2000]), np.array([0.3, 0.3]))
    np.testing.assert_array_equal(children, np.tile(alone, (2, 1)))
    np.testing.assert_allclose(after, np.concatenate([weights, weights + 2000]))


@pytest.mark.parametrize("scale", [0.0, 3.0])
def test_particles_are_drawn_by_their_share_of_all_weights(scale):
    log_weights = np.log([[0.25, 0.25, 0.5], [0.5, 0.5, 1e-300]]) + np.array([[scale], [scale + 1]])
    uniform = np.array([[0.0, 0.1, 0.3, 0.45, 0.55, 0.99], [0.6, 0.99, 0.1, 0.4, 0.6, 0.0]])
    drawn = resampling.draw_by_weight(log_weights, uniform)
    assert drawn.tolist() == [[0, 0, 1, 1, 2, 2], [1, 1, 0, 0, 1, 0]]
