"""Particles that split in two at a hidden pixel, of whose 2P children P live on: for small holes.

Every child heavier than a threshold c is kept as it is; of the lighter ones some are drawn, in
proportion to their weights, and given the weight c. This adds the least noise that keeping P of 2P
can, and none until more than P children are alive: up to P completions are enumerated (Fearnhead
and Clifford 2003, doi:10.1111/1467-9868.00421). The draw is systematic: one uniform number an
image, and siblings stand side by side, so that of two alike one is kept.
"""

import tensorflow as tf

LEAST = 1e-300  # for a threshold of 0, where fewer than P children are alive


def branched(joint: tf.Tensor, uniform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
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
