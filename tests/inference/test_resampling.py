"""Branching against its definition: heavy children stay, light ones are drawn without bias."""

import numpy as np
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
