"""What the steps of a recurrence read of binary images, told as places and not as numbers.

The native core looks up what a place holds and adds the rows of weights that it stands for; Keras'
loop gets the same inputs as an array (``dense``). Step t reads K bits, ``seen`` at ``sources[t]``,
and P one-hot vectors, whose ones lie at ``places[t]`` among ``place_rows`` inputs after the bits.
"""

from typing import NamedTuple

import tensorflow as tf


class Reading(NamedTuple):
    """The inputs [B, T, K + place_rows] of T steps."""

    seen: tf.Tensor  # uint8 [B, S] in {0, 1}, or [S, B] where it is ``by_source``
    sources: tf.Tensor  # int32 [T, K] places in S
    places: tf.Tensor  # int32 [T, P] in 0 .. place_rows - 1, different ones in a step
    place_rows: int
    by_source: bool = False

    @property
    def batch(self):
        """B, a number where it is known and else a tensor."""
        axis = 1 if self.by_source else 0
        known = self.seen.shape[axis]
        return tf.shape(self.seen)[axis] if known is None else known

    @property
    def steps(self):
        """T, likewise."""
        known = self.sources.shape[0]
        return tf.shape(self.sources)[0] if known is None else known

    def labelled(self, labels: tf.Tensor, classes: int) -> "Reading":
        """The same, and first at each step a one-hot of the sequence's label: ``labels`` [B].

        What is read of all places at once stands first in ``seen``: the core finds common
        beginnings by the last place that a step has read.
        """
        one_hot = tf.one_hot(tf.cast(labels, tf.int32), classes, dtype=tf.uint8)
        always = tf.tile(tf.range(classes)[None], [self.steps, 1])
        return self._replace(
            seen=tf.concat([one_hot, self.seen], axis=1),
            sources=tf.concat([always, self.sources + classes], axis=1),
        )

    def dense(self) -> tf.Tensor:
        """The inputs as float32 [B, T, K + place_rows]."""
        bits = tf.cast(
            tf.gather(self.seen, self.sources, axis=0 if self.by_source else 1), tf.float32
        )
        if self.by_source:
            bits = tf.transpose(bits, (2, 0, 1))
        if not self.place_rows:
            return bits
        ones = tf.reduce_sum(tf.one_hot(self.places, self.place_rows), axis=1)
        shape = [self.batch, self.steps, self.place_rows]
        return tf.concat([bits, tf.broadcast_to(ones, shape)], axis=2)
