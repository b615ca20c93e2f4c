"""What a model is trained for: the mean negative log-likelihood, and the accuracy beside it.

Which of two checkpoints is the better one is told without TensorFlow, which is imported where a
model runs: whoever only reads learning curves need not wait for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scanline.data.pixels import PixelSet

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 256  # images; bounds the memory of a pass over a whole split


class Score(NamedTuple):
    """Means over images."""

    nats: float  # by image (classes), or by pixel (all others)
    accuracy: float  # fraction of classes, or of pixels, whose most probable value is the true one

    @classmethod
    def of(cls, nats: np.ndarray, accuracy: np.ndarray) -> "Score":
        """The means of what a scorer gives of each image."""
        return cls(float(nats.mean(dtype=np.float64)), float(accuracy.mean(dtype=np.float64)))


@dataclass(frozen=True)
class Objective:
    """``quantity`` names the loss; ``by_accuracy`` how the better of two checkpoints is told."""

    quantity: str
    by_accuracy: bool

    def given(self, pixels: np.ndarray, *draw: int) -> np.ndarray:
        """What a step is given of pixels uint8 [B, T]; ``draw`` seeds what is drawn for it."""
        return pixels

    def per_image(self, model: "keras.Model", pixels, labels, training: bool, ink=None):
        """pixels [B, T], labels [B] -> (nats [B], accuracy [B]).

        ``ink`` [B, T]: the probabilities by which the pixels were drawn, each by itself. Then the
        nats of a pixel are their mean over its draws, the pixels before it being what they are.
        """
        import tensorflow as tf

        if self.quantity == "nats":
            logits = model(pixels, training=training)
            labels = tf.cast(labels, tf.int32)
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
            return nats, tf.cast(right, tf.float32)
        logits = model(pixels, labels if model.classes else None, training=training)
        targets = tf.cast(pixels, tf.float32)
        nats = tf.nn.sigmoid_cross_entropy_with_logits(
            labels=targets if ink is None else ink, logits=logits
        )
        right = tf.cast(tf.equal(logits > 0, targets > 0.5), tf.float32)
        return tf.reduce_mean(nats, axis=1), tf.reduce_mean(right, axis=1)

    def score_in(self, values: Mapping[str, float]) -> Score:
        """The score among values by quantity, as a learning curve has them."""
        return Score(values[self.quantity], values["accuracy"])

    def rank(self, score: Score) -> tuple[float, ...]:
        """What orders checkpoints by their scores: the lower, the better."""
        return (-score.accuracy, score.nats) if self.by_accuracy else (score.nats,)

    def is_better(self, score: Score, best: Score | None) -> bool:
        """Whether ``score`` is the better checkpoint's. Of equal ones the earlier wins."""
        return best is None or self.rank(score) < self.rank(best)

    def to_beat(self, train: PixelSet, held_out: PixelSet) -> tuple[str, Score]:
        """What every training must beat, in words, and its score on the held-out images.

        It predicts how frequent each class, or ink, is among the training images.
        """
        if self.by_accuracy:
            values, wanted = train.labels_or_zeros, held_out.labels_or_zeros
        else:
            values, wanted = train.pixels.ravel(), held_out.pixels.ravel()
        counts = np.bincount(values, minlength=int(max(values.max(), wanted.max())) + 1) + 1.0
        shares = counts / counts.sum()
        found = np.bincount(wanted, minlength=len(shares)) / len(wanted)
        score = Score(float(-(found * np.log(shares)).sum()), float(found[np.argmax(shares)]))
        return "predicting frequencies", score

    def scorer(self, model: "keras.Model") -> Callable[[PixelSet], tuple[np.ndarray, np.ndarray]]:
        """A function that gives nats and accuracy of each image, [N] each, in evaluation mode."""
        import tensorflow as tf

        @tf.function(autograph=False, reduce_retracing=True)
        def scored(pixels, labels):
            return self.per_image(model, pixels, labels, training=False)

        def score(images: PixelSet) -> tuple[np.ndarray, np.ndarray]:
            labels = images.labels_or_zeros
            starts = range(0, len(images), EVALUATION_BATCH)
            parts = [slice(start, start + EVALUATION_BATCH) for start in starts]
            batches = [
                scored(
                    tf.constant(self.given(images.pixels[part], part.start)),
                    tf.constant(labels[part]),
                )
                for part in parts
            ]
            nats, accuracy = (tf.concat(values, axis=0) for values in zip(*batches, strict=True))
            return nats.numpy(), accuracy.numpy()

        return score


CLASSIFY = Objective("nats", by_accuracy=True)


PREDICT = Objective("nats_per_pixel", by_accuracy=False)
