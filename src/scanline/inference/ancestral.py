"""Ancestral sampling: hidden pixels drawn one after the other, each given all pixels before it.

The pixels before the hidden run are read once for each image, and the state after them is copied
for each sample. All samples of all images then advance together, one pixel in each step. A pixel is
drawn from its Bernoulli distribution, never thresholded.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from scanline.holes.sets import check_hidden, values_at
from scanline.inference.forecast import Completions
from scanline.inference.log_odds import log_prob
from scanline.inference.loops import loop
from scanline.models.look_ahead import LookAhead, read_observed
from scanline.models.predictor import Predictor

ROWS = 2**14  # sequences that advance together


class PrefixCompletions(NamedTuple):
    """S samples of k hidden pixels, for each of N images.

    With a look-ahead everything is also given what is observed after.
    """

    samples: np.ndarray  # uint8 [N, S, k]
    greedy: np.ndarray  # uint8 [N, k], each pixel its more probable value given all before it
    marginals: np.ndarray  # float64 [N, k], p(ink | pixels before), mean over the samples
    log_probs: np.ndarray  # float64 [N, k] nats, of the true pixels given the true ones before


def sample_completions(
    model: Predictor, pixels: np.ndarray, cut: int, length: int, samples: int, seed: int
) -> Completions:
    """Draws the pixels ``cut`` to ``cut + length`` of each image ``samples`` times.

    ``pixels`` [N, T] in {0, 1}; those from ``cut`` on are not read but for ``truth`` and its
    logits. All N * S sequences are held at once, T + L bytes and the model's states each. Each
    draw depends on ``seed``, its flat index, and its place among the N * S sequences. Raises
    ValueError where the run does not lie inside the image.
    """
    check_run(pixels, cut, length, samples)
    model.check_labels(None)
    count, size = pixels.shape
    pixels = pixels.astype(np.uint8)
    states = model.zero_states(count)
    if cut:
        states = read(model, pixels, tf.constant(0), tf.constant(cut), states)[1]
    seen = np.zeros((size + 1, count * samples), np.uint8)  # row 0: the start token
    seen[1 : cut + 1] = np.repeat(pixels[:, :cut], samples, axis=0).T
    drawn, logits = fill(
        model,
        tf.constant(seen),
        tf.zeros((size, 1), tf.bool),
        tf.constant(False),
        tf.constant(cut),
        tf.constant(cut + length),
        tuple(tf.repeat(state, samples, axis=0) for state in states),
        tf.constant(_two_words(seed)),
        None,
    )
    forced = read(model, pixels, tf.constant(cut), tf.constant(cut + length), states)[0]
    return Completions(
        samples=drawn.numpy().T.reshape(count, samples, length),
        sample_logits=logits.numpy().T.reshape(count, samples, length),
        truth=pixels[:, cut : cut + length],
        teacher_forced_logits=forced.numpy(),
    )


def sample_images(model: Predictor, count: int, size: int, seed: int) -> np.ndarray:
    """``count`` whole images of ``size`` pixels drawn from the model: uint8 [count, size]."""
    nothing = np.zeros((1, size), np.uint8)
    return sample_completions(model, nothing, 0, size, count, seed).samples[0]


@tf.function(autograph=False, reduce_retracing=True)
def read(model, pixels, start, stop, states):
    """``model.segment``, compiled: the logits of steps ``start`` to ``stop``, the state after."""
    return model.segment(pixels, start, stop, states)


@tf.function(autograph=False, reduce_retracing=True)
def fill(model, seen, observed, greedy, start, stop, states, seed, ahead):
    """Pixels ``start`` to ``stop`` of every column, and their log-odds: [stop - start, B] each.

    ``seen`` [T + 1, B], uint8, is the start token and the pixels, one row for each step, so that a
    step reads and writes whole rows. ``observed``, [T, B] or [T, 1], tells which pixels stay.
    ``greedy``, [B] or one for all, tells whether a hidden pixel takes its more probable value
    instead of a draw. ``ahead``, a look-ahead and what it has read (``read_observed``) of each
    image, whose columns stand together, corrects the log-odds; None does not.
    """
    columns = tf.shape(seen)[1]

    def step(t, seen, states, logits):
        logit, states = model.step_on(model.inputs_of.at(seen, t), states)
        if ahead is not None:
            outputs = model.stack.output_of(states)
            logit += tf.reshape(ahead[0].correction_at(t, ahead[1], outputs, seen), [-1])
        logits = logits.write(t - start, logit)
        uniform = tf.random.stateless_uniform([columns], tf.random.fold_in(seed, t), alg="philox")
        ink = tf.where(greedy, logit > 0, uniform < tf.sigmoid(logit))
        pixel = tf.where(observed[t], seen[t + 1], tf.cast(ink, tf.uint8))
        return tf.tensor_scatter_nd_update(seen, [[t + 1]], pixel[None]), states, logits

    logits = tf.TensorArray(tf.float32, stop - start)
    seen, _, logits = loop(start, stop, step, seen, states, logits)
    return seen[start + 1 : stop + 1], logits.stack()


def _two_words(seed: int) -> list[int]:
    """A seed as TensorFlow's stateless draws take it."""
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed is {seed}; allowed: 0 to {2**31 - 1}")
    return [seed, 0]


def check_run(pixels: np.ndarray, cut: int, length: int, samples: int) -> None:
    """Raises ValueError for a run outside of ``pixels`` [N, T], or for ``samples`` below 1."""
    size = pixels.shape[1]
    if not 0 <= cut < size:
        raise ValueError(f"cut is {cut}; images of {size} pixels allow 0 to {size - 1}")
    if not 1 <= length <= size - cut:
        raise ValueError(
            f"length is {length}; from cut {cut} on the image has {size - cut} pixels: "
            f"allowed are 1 to {size - cut}"
        )
    if samples < 1:
        raise ValueError(f"samples is {samples}; allowed: 1 and above")


def prefix_completions(
    model: Predictor,
    pixels: np.ndarray,
    hidden: np.ndarray,
    samples: int,
    seed: int,
    look_ahead: LookAhead | None = None,
) -> PrefixCompletions:
    """Fills the ``hidden`` [N, k] pixels (flat indices, ascending) of each image.

    Each is drawn given those before it; with a ``look_ahead`` also given all observed ones, and
    ``marginals`` and ``log_probs`` are given these, too.

    ``pixels`` [N, T] in {0, 1} are the true ones: at ``hidden`` they are read for ``log_probs``
    alone. Each draw depends on ``seed``, the pixel, and the sample's place among all. Raises
    ValueError where ``hidden`` is no such set or empty, or ``samples`` is below 1.
    """
    model.check_labels(None)
    check_hidden(hidden, pixels.shape)
    if not hidden.shape[1]:
        raise ValueError("hidden is empty: no pixel is hidden, so there is nothing to complete")
    if samples < 1:
        raise ValueError(f"samples is {samples}; allowed: 1 and above")
    group = max(ROWS // (samples + 1), 1)
    parts = [
        _complete(
            model, pixels[i : i + group], hidden[i : i + group], samples, [seed, i], look_ahead
        )
        for i in range(0, len(pixels), group)
    ]
    return PrefixCompletions(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _complete(model, pixels, hidden, samples, seed, look_ahead) -> PrefixCompletions:
    images, size = pixels.shape
    start, stop = int(hidden.min()), int(hidden.max()) + 1
    pixels = pixels.astype(np.uint8)
    states = model.zero_states(images)
    if start:
        states = read(model, pixels, tf.constant(0), tf.constant(start), states)[1]
    observed = np.ones((size, images), bool)
    observed[hidden.T, np.arange(images)] = False
    ahead = look_ahead and (look_ahead, read_observed(look_ahead, pixels, ~observed.T))

    def filled(columns, kept, greedy, states):
        seen = np.zeros((size + 1, columns.shape[1]), np.uint8)  # row 0: the start token
        seen[1:] = columns * kept
        found = fill(
            model,
            tf.constant(seen),
            tf.constant(kept),
            tf.constant(greedy),
            tf.constant(start),
            tf.constant(stop),
            states,
            tf.constant(seed, tf.int64),
            ahead,
        )
        return [each.numpy().T for each in found]

    if look_ahead:  # the truth is one more completion, of which nothing is drawn
        forced = filled(pixels.T, np.ones_like(observed), np.zeros(images, bool), states)[1]
    else:
        forced = read(model, pixels, tf.constant(start), tf.constant(stop), states)[0].numpy()
    rows = samples + 1  # of an image: its samples, then the greedy one
    values, logits = filled(
        np.repeat(pixels.T, rows, axis=1),
        np.repeat(observed, rows, axis=1),
        np.arange(images * rows) % rows == samples,
        tuple(tf.repeat(state, rows, axis=0) for state in states),
    )
    places = hidden - start
    values = _at(values.reshape(images, rows, -1), places)
    drawn_logits = _at(logits.reshape(images, rows, -1), places)[:, :samples]
    return PrefixCompletions(
        samples=values[:, :samples],
        greedy=values[:, samples],
        marginals=np.exp(log_prob(drawn_logits, 1)).mean(axis=1),
        log_probs=log_prob(values_at(forced, places), values_at(pixels, hidden)),
    )


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """values [N, R, L] at places [N, k] -> [N, R, k]."""
    return np.take_along_axis(values, places[:, None, :], axis=2)
