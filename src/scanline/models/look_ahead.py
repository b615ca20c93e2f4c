"""A companion of a next-pixel model that also sees what is observed after a hidden pixel.

For a predictor p it gives the correction of a hidden pixel's log-odds: what those of p lack, so
that q(pixel | all pixels before, all observed ones) results. Completions that q draws pixel by
pixel are near to the posterior, and p(image) / q(completion) weights them so that they are of it
(Paige and Wood 2016, arXiv:1602.06701).

What is observed is read once for each image, by a recurrence over rows from the last to the first
and by a window around each pixel. Each step of each particle combines it with p's last layer and
with the pixels seen within ``radius``. Where nothing is observed after a pixel, p is right as it
is, and the correction is 0.
"""

import hashlib
from pathlib import Path

import keras
import tensorflow as tf

from scanline.models.architecture import LookAheadArchitecture
from scanline.models.inputs import PixelInputs
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor
from scanline.models.stack import RecurrentStack

WINDOWS = {"around": 5, "farther": 3}  # rows and columns of the convolutions over what is observed


@keras.saving.register_keras_serializable("scanline")
class LookAhead(keras.Model):
    """The companion of the predictor whose weights have the hash ``companion_of``.

    Its last layer has ``predictor_units``; ``models.architecture`` tells of the other numbers.
    ``pixels`` describes the pixels as a predictor's do.
    """

    def __init__(
        self,
        predictor_units: int,
        companion_of: str,
        pixels: dict,
        meeting_units: int = LookAheadArchitecture.meeting_units,
        row_units: int = LookAheadArchitecture.row_units,
        features: int = LookAheadArchitecture.features,
        radius: int = LookAheadArchitecture.radius,
        gate_bias: str = "zeros",
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = dict(
            predictor_units=predictor_units,
            companion_of=companion_of,
            meeting_units=meeting_units,
            row_units=row_units,
            features=features,
            radius=radius,
        )
        self.pixels = dict(pixels)
        self.rows, self.columns = pixels["rows"], pixels["columns"]
        self.neighbours = PixelInputs("context", self.rows, self.columns, radius)
        keras.utils.set_random_seed(seed)
        dense, conv = keras.layers.Dense, keras.layers.Conv2D
        self.around = [
            conv(features, size, padding="same", activation="relu", name=name)
            for name, size in WINDOWS.items()
        ]
        self.stack = RecurrentStack("gru", row_units, 1, input_gradient=False, name="upwards")
        self.by_column = dense(self.columns * features, activation="tanh", name="by_column")
        self.of_observed = dense(meeting_units, name="of_observed")
        self.of_output = dense(meeting_units, use_bias=False, name="of_output")
        self.of_window = dense(meeting_units, use_bias=False, name="of_window")
        self.meeting = dense(meeting_units, name="meeting")
        self.last = dense(1, kernel_initializer="zeros", name="last")  # begins as the predictor
        self.beginning = dense(meeting_units, name="beginning")
        self.below = dense(meeting_units, name="below")
        self.around[0].build((None, self.rows, self.columns, 2))
        self.around[1].build((None, self.rows, self.columns, features))
        self.stack.build((None, self.rows, 2 * self.columns))
        self.by_column.build((None, row_units))
        self.of_observed.build((None, 2 * features))
        self.of_output.build((None, predictor_units))
        self.of_window.build((None, self.neighbours.tables[0].shape[1]))
        self.meeting.build((None, meeting_units))
        self.last.build((None, meeting_units))
        self.beginning.build((None, meeting_units))
        self.below.build((None, row_units))
        self.stack.set_gate_bias(gate_bias, self.rows, seed)
        self.built = True

    def observed(
        self, pixels: tf.Tensor, hidden: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Features of each pixel, [B, T, 2 * features], and of what lies below each row.

        The latter are [B, rows, row_units]. pixels uint8 [B, T], of which those at ``hidden``
        (bool [B, T]) are not read.
        """
        marks = 1 - tf.cast(hidden, tf.float32)
        known = tf.stack([tf.cast(pixels, tf.float32) * marks, marks], axis=-1)
        known = tf.reshape(known, [-1, self.rows, self.columns, 2])
        around = self.around[1](self.around[0](known))
        upwards = tf.reshape(known, [-1, self.rows, self.columns * 2])[:, ::-1]
        zeros = self.stack.zero_states(tf.shape(upwards)[0])
        by_row = self.stack.run(upwards, zeros, training)[0][:, ::-1]
        by_column = tf.reshape(self.by_column(by_row), tf.shape(around))
        told = tf.concat([around, by_column], axis=-1)
        below = tf.pad(by_row[:, 1:], [[0, 0], [0, 1], [0, 0]])
        return tf.reshape(told, [-1, self.rows * self.columns, told.shape[-1]]), below

    def follows(self, hidden: tf.Tensor) -> tf.Tensor:
        """Whether anything is observed after each pixel, 1 or 0: float32 [B, T]."""
        marks = 1 - tf.cast(hidden, tf.float32)
        return tf.sign(tf.cumsum(marks, axis=1, exclusive=True, reverse=True))

    def window(self, pixels: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """The pixels seen around each of ``places`` (image, pixel) [M, 2]: float32 [M, window]."""
        shifted = tf.pad(tf.cast(pixels, tf.uint8), [[0, 0], [1, 0]])
        sources = tf.gather(tf.constant(self.neighbours.tables[0]), places[:, 1])
        first = tf.cast(places[:, :1], tf.int32) * tf.shape(shifted)[1]
        return tf.cast(tf.gather(tf.reshape(shifted, [-1]), first + sources), tf.float32)

    def correction(self, observed: tf.Tensor, outputs: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
        """What the predictor's log-odds lack [...], of what a step knows: [..., width] each."""
        seen = self.of_output(outputs) + self.of_window(window)
        met = self.meeting(tf.nn.relu(self.of_observed(observed) + seen))
        return self.last(tf.nn.relu(met))[..., 0]

    def agreement(self, outputs: tf.Tensor, window: tf.Tensor, below: tf.Tensor) -> tf.Tensor:
        """How well each beginning agrees with each image's rows below: [..., images, beginnings].

        outputs, window and below [..., B, width]: training compares a batch's images.
        """
        seen = tf.nn.relu(self.of_output(outputs) + self.of_window(window))
        beginnings = self.beginning(seen)
        return tf.matmul(self.below(below), beginnings, transpose_b=True) / self.meeting.units**0.5

    @property
    def reach(self) -> int:
        """How many pixels before a step's own are read: the last so many, and no others."""
        return self.neighbours.reach

    def correction_at(self, t, ahead: tuple, outputs: tf.Tensor, seen: tf.Tensor):
        """The correction of step ``t`` for P particles of each of N images: [N, P].

        ``ahead`` is ``read_observed`` of the images, outputs [N * P, units] the predictor's, and
        ``seen`` uint8 [T + 1, N * P] as ``PixelInputs.at`` has it.
        """
        observed, follows = ahead
        sources = tf.constant(self.neighbours.tables[0])
        window = tf.transpose(tf.cast(tf.gather(seen, sources[t]), tf.float32))
        images, width = tf.shape(observed)[0], self.settings["predictor_units"]
        correction = self.correction(
            observed[:, t, None],
            tf.reshape(outputs, [images, -1, width]),
            tf.reshape(window, [images, -1, sources.shape[1]]),
        )
        return correction * follows[:, t, None]

    def get_config(self) -> dict:
        return {"name": self.name, **self.settings, "pixels": self.pixels}

    def build_from_config(self, config: dict) -> None:
        """Nothing to do: the constructor has built the model."""


@tf.function(autograph=False, reduce_retracing=True)
def read_observed(look_ahead: LookAhead, pixels, hidden) -> tuple[tf.Tensor, tf.Tensor]:
    """Each pixel's features, and whether anything observed ``follows`` it: compiled."""
    return look_ahead.observed(pixels, hidden)[0], look_ahead.follows(hidden)


def hash_of_weights(predictor: Predictor) -> str:
    """What names a predictor's weights, whatever file they came from."""
    weights = b"".join(weight.numpy().tobytes() for weight in predictor.weights)
    return hashlib.sha256(weights).hexdigest()


def load_look_ahead(path: Path, predictor: Predictor) -> LookAhead:
    """The look-ahead of a .keras file (see ``load_model``); ValueError if it is another model's."""
    found = load_model(path, LookAhead, predictor.pixels)
    if found.settings["companion_of"] != hash_of_weights(predictor):
        raise ValueError(
            f"{path} is the look-ahead of other weights than the model's; train it anew, or remove "
            f"it: the model works without"
        )
    return found
