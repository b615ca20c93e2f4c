"""Resampling and effective numbers against their definitions."""

import numpy as np
import pytest
import tensorflow as tf

from scanline.inference import resampling


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


def test_pixels_have_their_probability_and_alike_particles_their_share():
    grid = 4000
    ink = np.tile([0.3, 0.3, 0.3, 0.3, 0.9, 0.0, 1.0], (grid, 1))
    uniform = np.repeat((np.arange(grid)[:, None] + 0.5) / grid, 7, axis=1)
    drawn = resampling.draw_ink(tf.constant(ink), tf.constant(uniform)).numpy()
    # A pixel's share of the grid is a count, wrong by at most 1 at both ends.
    np.testing.assert_allclose(drawn.mean(axis=0), ink[0], atol=2 / grid)
    assert set(drawn[:, :4].sum(axis=1)) == {1, 2}  # of four alike, 1.2 in the mean


def test_a_number_a_particle_draws_independently():
    ink = np.tile([0.3, 0.8], (20_000, 1))
    uniform = np.random.default_rng(0).random(ink.shape)
    drawn = resampling.draw_ink(tf.constant(ink), tf.constant(uniform)).numpy()
    # 5 standard errors of a mean, and of a correlation.
    np.testing.assert_allclose(drawn.mean(axis=0), ink[0], atol=5 * 0.46 / 20_000**0.5)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 5 / 20_000**0.5


def test_numbers_outside_force_a_pixel():
    ink = np.array([[1.0, 0.0, 1e-12, 1 - 1e-12]])
    for value, pixel in ((-1.0, 1), (2.0, 0)):
        drawn = resampling.draw_ink(tf.constant(ink), tf.constant(np.full((1, 4), value)))
        assert (drawn.numpy() == pixel).all()
