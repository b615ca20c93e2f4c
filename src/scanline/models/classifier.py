"""The classifier (report, section 2.1): what a recurrent stack remembers at the last pixel.

Last output -> batch norm -> affine 100 -> ReLU -> batch norm -> affine K, of K classes.
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from scanline.data.order import RASTER, order_of, reading_order
from scanline.data.pixels import FULL_GREY, classes_of, is_grey, same_classes
from scanline.models import accelerator
from scanline.models.environment import check_keras
from scanline.models.loading import load_model
from scanline.models.reading import Reading
from scanline.models.stack import RecurrentStack

BATCH = 256  # images; bounds the memory
MOMENTUM = 0.99  # of batch norm's running averages, which start at 0 and 1 (the report's decay)


@keras.saving.register_keras_serializable("scanline")
class Classifier(keras.Model):
    """p(class | image), reading the image pixel by pixel.

    ``pixels`` describes the pixels that the model is for (a PixelSet's identity; ``rows`` and
    ``columns`` at least, and ``classes`` where they are not 10). All methods take pixels as a
    PixelSet holds them, in raster order; the model reads them in their own order, and levels of
    grey as numbers from 0 to 1. Raises ValueError for an unknown cell or gate_bias, and for pixels
    without classes.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        layers: int,
        pixels: dict,
        gate_bias: str = "zeros",
        seed: int = 0,
        **kwargs,
    ):
        check_keras()
        super().__init__(**kwargs)
        self.settings = dict(cell=cell, units=units, layers=layers)
        self.pixels = dict(pixels)
        self.order = reading_order(order_of(pixels), pixels["rows"] * pixels["columns"])
        self.classes = classes_of(pixels)
        if self.classes < 2:
            raise ValueError(
                f"the images have {self.classes} classes; a classifier needs labels of 2 at least"
            )
        keras.utils.set_random_seed(seed)
        self.stack = RecurrentStack(cell, units, layers, input_gradient=False, name="stack")
        self.head = [
            keras.layers.BatchNormalization(momentum=MOMENTUM, name="norm_0"),
            keras.layers.Dense(100, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(momentum=MOMENTUM, name="norm_1"),
            keras.layers.Dense(self.classes, name="logits"),
        ]
        self.stack.build((None, None, 1))
        for layer, width in zip(self.head, (units, units, 100, 100), strict=True):
            layer.build((None, width))
        self.stack.set_gate_bias(gate_bias, pixels["rows"] * pixels["columns"], seed)
        self.built = True

    def call(self, pixels: tf.Tensor, training: bool = False) -> tf.Tensor:
        """pixels [B, T] -> class logits [B, K]; in ``training`` by the batch's own moments."""
        outputs = self.stack.last(self.inputs_of(pixels), training)
        for layer in self.head:
            normalises = isinstance(layer, keras.layers.BatchNormalization)
            outputs = layer(outputs, training=training) if normalises else layer(outputs)
        return outputs

    def inputs_of(self, pixels: tf.Tensor) -> tf.Tensor | Reading:
        """What the steps read of pixels [B, T]: grey values float32 [B, T, 1], or bits.

        The core looks bits up, and multiplies numbers.
        """
        ordered = self.in_order(pixels)
        if is_grey(self.pixels):
            return tf.cast(ordered, tf.float32)[..., None] / FULL_GREY
        sources = tf.range(len(self.order))[:, None]
        nowhere = tf.zeros((len(self.order), 0), tf.int32)
        return Reading(tf.cast(ordered, tf.uint8), sources, nowhere, 0)

    def in_order(self, pixels: tf.Tensor | keras.KerasTensor) -> tf.Tensor | keras.KerasTensor:
        """pixels [B, T, ...] in the order in which the steps read them."""
        if order_of(self.pixels) == RASTER:
            return pixels
        return keras.ops.take(pixels, self.order.astype(np.int32), axis=1)

    def recompute_moments(self, pixels: np.ndarray) -> None:
        """Sets batch norm's averages to the moments over ``pixels`` [N, T] under the weights now.

        The running averages lag behind while the weights change fast.
        """
        batches = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
        outputs = tf.concat([self._remembered(tf.constant(batch)) for batch in batches], axis=0)
        for layer in self.head:
            if isinstance(layer, keras.layers.BatchNormalization):
                mean, variance = tf.nn.moments(outputs, axes=[0])
                layer.moving_mean.assign(mean)
                layer.moving_variance.assign(variance)
            outputs = layer(outputs)

    def log_probs(self, pixels: np.ndarray) -> np.ndarray:
        """Log-probability of each class: pixels [N, T] -> [N, K] nats."""
        batches = [pixels[i : i + BATCH] for i in range(0, len(pixels), BATCH)]
        logits = tf.concat([self._logits(tf.constant(batch)) for batch in batches], axis=0)
        return tf.nn.log_softmax(logits).numpy()

    @tf.function(autograph=False, reduce_retracing=True)
    def _logits(self, pixels: tf.Tensor) -> tf.Tensor:
        return self(pixels)

    @tf.function(autograph=False, reduce_retracing=True)
    def _remembered(self, pixels: tf.Tensor) -> tf.Tensor:
        return self.stack.last(self.inputs_of(pixels))

    def get_config(self) -> dict:
        return {"name": self.name, **self.settings, "pixels": self.pixels}

    def build_from_config(self, config: dict) -> None:
        """Nothing to do: the constructor has built the model."""


def load_classifier(
    path: Path, pixels: dict | None = None, other_data: bool | None = None
) -> Classifier:
    """The classifier of a .keras file, trained on such ``pixels`` (see ``load_model``).

    Raises ValueError where these have other classes, too; labels they may lack.
    """
    model = load_model(path, Classifier, pixels, other_data)
    if pixels is not None:
        same_classes(model.pixels, pixels, f"{path}")
    accelerator.note(model.stack)
    return model
