"""P sequences of each image advance together: the compiled loops of SMC and beam search.

All weights are logarithms in float64, not normalised. Sequence n * P + p is particle p of image n.
"""

import tensorflow as tf

from scanline.inference.loops import loop
from scanline.inference.resampling import branch, draw_ink, effective_size, resample


@tf.function(autograph=False, reduce_retracing=True)
def advance(model, seen, is_hidden, start, stop, states, log_weights, log_likelihood, draws, ahead):
    """Takes all particles from ``start`` to ``stop``; hidden pixels are drawn, or searched.

    ``seen`` uint8 [T + 1, N * P] is the start token and the pixels, one row for each step, of which
    those at ``is_hidden`` [T, N] are replaced; ``states``, ``log_weights`` and ``log_likelihood``
    [N, P] are those before ``start``. ``draws`` are uniform numbers: [T, N, P] for resampling and
    for pixels, or one array [T, N] for branching (``inference.resampling``). None makes it a beam:
    the P most probable of all 2P continuations live on. With ``ahead``, a look-ahead and what it
    has read (``read_observed``), hidden pixels are drawn, or searched, by q in place of the model.
    Observed pixels between them then count at ``stop``.

    Returns by step the pixels uint8 [S, N, P], the particles that they continue int32 [S, N, P],
    and the effective number [S, N]; then states, log_weights and log_likelihood before ``stop``.
    """
    shape = tf.shape(log_weights)
    images, particles = shape[0], shape[1]
    same = tf.tile(tf.range(particles)[None], [images, 1])
    first_row = tf.range(images)[:, None] * particles
    reach = model.inputs_of.reach if ahead is None else max(model.inputs_of.reach, ahead[0].reach)

    def step(t, seen, states, log_weights, log_likelihood, owed, drawn, parents, sizes):
        logits, states = model.step_on(model.inputs_of.at(seen, t), states)
        logits = tf.reshape(tf.cast(logits, tf.float64), shape)
        log_probs = _log_prob(tf.stack([logits, logits], axis=2), [0, 1])
        pixel = tf.reshape(tf.cast(seen[t + 1], tf.int32), shape)
        observed = tf.gather(log_probs, pixel, batch_dims=2)
        weights = log_weights if ahead is not None else log_weights + observed
        debt = owed + observed if ahead is not None else owed
        as_seen = same, pixel, weights, log_likelihood + observed, debt, states, seen
        splits = is_hidden[t][:, None]

        def split():
            proposed, proposals = logits, log_probs
            if ahead is not None:
                outputs = model.stack.output_of(states)
                correction = ahead[0].correction_at(t, ahead[1], outputs, seen)
                proposed += tf.cast(correction, tf.float64)
                proposals = _log_prob(tf.stack([proposed, proposed], axis=2), [0, 1])
            joint = tf.reshape(log_weights[:, :, None] + proposals, [images, 2 * particles])
            if draws is None:
                new_weights, child = tf.math.top_k(joint, particles)
                new_parent, new_pixel = child // 2, child % 2
            elif len(draws) == 1:
                child, new_weights = branch(joint, draws[0][t])
                new_parent, new_pixel = child // 2, child % 2
            else:
                new_parent, new_weights = resample(log_weights, draws[0][t])
                ink = tf.gather(tf.sigmoid(proposed), new_parent, batch_dims=1)
                so_far = new_weights + tf.gather(owed, new_parent, batch_dims=1)
                new_pixel = draw_ink(ink, draws[1][t], so_far)
            parent = tf.where(splits, new_parent, same)
            value = tf.where(splits, new_pixel, pixel)
            weighted = tf.where(splits, new_weights, weights)
            likelihood = _of_child(log_likelihood[:, :, None] + log_probs, parent, value)
            owing = debt
            if ahead is not None:
                more = tf.where(splits[:, :, None], log_probs - proposals, log_probs)
                owing = _of_child(owed[:, :, None] + more, parent, value)
            rows = tf.reshape(first_row + parent, [-1])
            own = tuple(tf.ensure_shape(tf.gather(state, rows), state.shape) for state in states)
            # Of the pixels, those that a later step may read.
            window = tf.range(tf.maximum(t + 2 - reach, 1), t + 1)
            followed = tf.gather(tf.gather(seen, window), rows, axis=1)
            path = tf.tensor_scatter_nd_update(seen, window[:, None], followed)
            return parent, value, weighted, likelihood, owing, own, path

        parent, pixel, weights, likelihood, debt, states, seen = tf.cond(
            tf.reduce_any(splits), split, lambda: as_seen
        )
        log_weights = tf.ensure_shape(weights, log_weights.shape)
        log_likelihood = tf.ensure_shape(likelihood, log_likelihood.shape)
        owed = tf.ensure_shape(debt, owed.shape)
        row = tf.cast(tf.reshape(pixel, [1, -1]), tf.uint8)
        seen = tf.tensor_scatter_nd_update(seen, [[t + 1]], row)
        drawn = drawn.write(t - start, tf.cast(pixel, tf.uint8))
        parents = parents.write(t - start, parent)
        sizes = sizes.write(t - start, effective_size(log_weights + owed))
        return seen, states, log_weights, log_likelihood, owed, drawn, parents, sizes

    _, states, log_weights, log_likelihood, owed, drawn, parents, sizes = loop(
        start,
        stop,
        step,
        seen,
        states,
        log_weights,
        log_likelihood,
        tf.zeros_like(log_weights),  # owed: log p of the pixels - log q of the hidden ones
        *(tf.TensorArray(kind, stop - start) for kind in (tf.uint8, tf.int32, tf.float64)),
    )
    log_weights += owed
    return drawn.stack(), parents.stack(), sizes.stack(), states, log_weights, log_likelihood


def _of_child(by_value, parent, pixel):
    """Of what each particle has for both values of its pixel [N, P, 2], the children's [N, P]."""
    return tf.gather(tf.gather(by_value, parent, batch_dims=1), pixel, batch_dims=2)


@tf.function(autograph=False, reduce_retracing=True)
def observe(model, pixels, start, stop, states, log_weights, log_likelihood):
    """Weights all particles by the pixels ``start`` to ``stop``, none of them hidden.

    ``pixels`` [N * P, T]. Returns log_weights, log_likelihood [N, P], the effective number after
    each step [N, S], the states.
    """
    logits, states = model.segment(pixels, start, stop, states)
    log_probs = _log_prob(logits, pixels[:, start:stop])
    shape = tf.shape(log_weights)
    passed = tf.cumsum(tf.reshape(log_probs, [shape[0], shape[1], -1]), axis=2)
    sizes = effective_size(log_weights[:, :, None] + passed)
    return log_weights + passed[:, :, -1], log_likelihood + passed[:, :, -1], sizes, states


def _log_prob(logits: tf.Tensor, pixels) -> tf.Tensor:
    """``log_odds.log_prob`` inside a compiled function."""
    return -tf.math.softplus((1 - 2 * tf.cast(pixels, tf.float64)) * tf.cast(logits, tf.float64))
