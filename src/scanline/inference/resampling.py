"""Which particles live on: resampling, drawing by weight, and branching in small holes.

When particles branch, each splits into both values of a hidden pixel, and P of the 2P children live
on. Every child heavier than a threshold c is kept as it is; of the lighter ones some are drawn, in
proportion to their weights, and given the weight c. This adds the least noise that keeping P of 2P
can, and none until more than P children are alive: up to P completions are enumerated (Fearnhead
and Clifford 2003, doi:10.1111/1467-9868.00421). The draw is systematic: one uniform number for each
image, and siblings stand side by side, so that of two alike one is kept.
"""

import numpy as np
import tensorflow as tf

LEAST = 1e-300  # for a threshold of 0, where fewer than P children are alive
RESAMPLE_BELOW = 0.5  # of the particles: their effective number
ALIKE = 0.01  # nats between two log weights; what rounding makes of equal ones is far less


def branch(joint: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Keeps P of the children whose log weights are ``joint`` float64 [N, 2P].

    ``uniform`` [N] in [0, 1). Returns which children, int32 [N, P], and their log weights, -inf for
    a place that stays empty.
    """
    count = tf.shape(joint)[1] // 2
    top = tf.reduce_max(joint, axis=1, keepdims=True)
    weights = tf.exp(joint - top)
    threshold = threshold_of(weights, count)
    share = tf.where(weights > 0, tf.minimum(weights / tf.maximum(threshold, LEAST), 1), 0)
    # A comb with teeth at 1 - u, 2 - u, ... meets those that live.
    teeth = tf.cast(tf.range(1, count + 1), tf.float64) - uniform[:, None]
    children = tf.searchsorted(tf.cumsum(share, axis=1), teeth)
    alive = children < 2 * count
    children = tf.where(alive, children, 0)
    heavier = tf.maximum(tf.gather(joint, children, batch_dims=1), top + tf.math.log(threshold))
    return children, tf.where(alive, heavier, -float("inf"))


def threshold_of(weights: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """c [N, 1] with sum of min(weight / c, 1) = count; 0 where fewer weights are above 0."""
    falling = tf.sort(weights, axis=1, direction="DESCENDING")
    rest = tf.cumsum(falling, axis=1, reverse=True)[:, :count]
    # With the j heaviest kept as they are, the rest share out count - j places.
    each = rest / tf.cast(count - tf.range(count), tf.float64)
    first = tf.argmax(falling[:, :count] <= each, axis=1)
    return tf.gather(each, first[:, None], batch_dims=1)


def effective_size(log_weights: tf.Tensor) -> tf.Tensor:
    """(sum of weights)**2 / sum of squared weights, over the second axis of [N, P, ...]."""
    once = tf.reduce_logsumexp(log_weights, axis=1)
    return tf.exp(2 * once - tf.reduce_logsumexp(2 * log_weights, axis=1))


def draw_ink(ink: tf.Tensor, uniform: tf.Tensor, log_weights: tf.Tensor) -> tf.Tensor:
    """Pixels [N, P], each 1 with probability ``ink`` [N, P]; ``uniform`` [N, P] decides.

    With one number for all particles of an image the draw is systematic: of the particles in the
    order of ``log_weights`` [N, P], any that follow each other have ink in their right share, so
    heavy ones as well as light ones (as in array-RQMC, L'Ecuyer et al. 2008,
    doi:10.1287/opre.1080.0556). With a number each, draws are independent. A number outside of 0
    to 1 forces the pixel: below 0 to ink, above 1 to none.
    """
    uniform = tf.cast(uniform, tf.float64)
    order = tf.argsort(tf.round(log_weights / ALIKE), axis=1, stable=True)
    summed = tf.cumsum(tf.gather(ink, order, batch_dims=1), axis=1, exclusive=True)
    place = tf.gather(summed, tf.argsort(order, axis=1), batch_dims=1) + uniform
    number = 1 - (place - tf.floor(place))
    forced = (uniform < 0) | (uniform > 1)
    return tf.cast(tf.where(forced, uniform, number) <= ink, tf.int32)


def resample(log_weights: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Parents [N, P] and log weights after resampling the images whose effective number is low.

    The parent drawn by a number u in ``uniform`` [N, P] is the one at which the sum of the
    normalised weights first reaches u.
    """
    count = tf.shape(log_weights)[1]
    size = tf.cast(count, tf.float64)
    total = tf.reduce_logsumexp(log_weights, axis=1, keepdims=True)
    edges = tf.cumsum(tf.exp(log_weights - total), axis=1)
    parents = tf.minimum(tf.searchsorted(edges, tf.cast(uniform, tf.float64)), count - 1)
    due = (effective_size(log_weights) < RESAMPLE_BELOW * size)[:, None]
    return (
        tf.where(due, parents, tf.range(count)[None]),
        tf.where(due, total - tf.math.log(size), log_weights),
    )


def draw_by_weight(log_weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The particles int [N, M] that numbers in [0, 1) ``uniform`` [N, M] draw by weight."""
    edges = np.cumsum(np.exp(log_weights), axis=1)
    return (uniform[:, :, None] * edges[:, None, -1:] >= edges[:, None, :]).sum(axis=2)
