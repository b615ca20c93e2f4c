"""The next-pixel model (report, section 3.1): a recurrent stack, and one logit in each step.

``logits[:, t]`` are the log-odds that pixel t is ink given the pixels before t. The first is
predicted from a zero start token, so that likelihoods add up to one over all images. Pixels are in
the order in which the model reads them, its ``orientation`` (``data.orientation``).

A model with a ``prior`` over classes reads labels, too: a one-hot of the image's class at each
step. Given one class this adds a row of a kernel to the bias of all that reads the inputs, so
``of_class`` is a model without labels, for all that completes, samples or infers.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scanline.data.orientation import Orientation
from scanline.data.pixels import check_predictable, same_classes
from scanline.models import accelerator
from scanline.models.architecture import PredictorArchitecture
from scanline.models.environment import check_keras
from scanline.models.inputs import PixelInputs
from scanline.models.loading import load_model
from scanline.models.prior import check_prior
from scanline.models.reading import Reading
from scanline.models.stack import RecurrentStack, States


@keras.saving.register_keras_serializable("scanline")
class Predictor(keras.Model):
    """p(pixel t | pixels before t) for every t; with a ``prior`` also given the image's class.

    ``pixels`` describes the images that the model is for, as they are before they are turned (a
    PixelSet's identity; ``rows`` and ``columns`` at least); ``prior``, p(class) [K], makes it a
    model that reads labels; the other settings are those of ``PredictorArchitecture``. Raises
    ValueError for an unknown cell, inputs, orientation or gate_bias, a radius below 1,
    readout_units below 0, pixels that only classifiers read, and a prior of other classes than
    theirs.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        layers: int,
        pixels: dict,
        inputs: str = "previous",
        gate_bias: str = "zeros",
        seed: int = 0,
        radius: int = PredictorArchitecture.radius,
        residual: bool = PredictorArchitecture.residual,
        readout_units: int = PredictorArchitecture.readout_units,
        prior: Sequence[float] = (),
        orientation: str = PredictorArchitecture.orientation,
        **kwargs,
    ):
        check_keras()
        check_predictable(pixels)
        super().__init__(**kwargs)
        if readout_units < 0:
            raise ValueError(f"readout_units is {readout_units}; allowed: 0 and above (units)")
        self.settings: dict[str, Any] = dict(
            cell=cell,
            units=units,
            layers=layers,
            inputs=inputs,
            radius=radius,
            residual=residual,
            readout_units=readout_units,
        )
        self.orientation = Orientation(orientation, pixels["rows"], pixels["columns"])
        if not self.orientation.is_raster:  # of which older files say nothing
            self.settings["orientation"] = orientation
        # Models of classes, which Keras must not take for parts of this one.
        self._unlabelled = cache(lambda name: type(self)(**self.settings, pixels=self.pixels))
        if len(prior):
            check_prior(prior, pixels)
        self.prior = np.array(prior, np.float64)
        self.classes = len(prior)  # whose labels it reads
        self.pixels = dict(pixels)
        self.inputs_of = PixelInputs(inputs, *self.orientation.shape, radius)
        keras.utils.set_random_seed(seed)
        self.stack = RecurrentStack(
            cell, units, layers, input_gradient=False, residual=residual, name="stack"
        )
        width = self.classes + self.inputs_of.width
        self.stack.build((None, None, width))
        self.readout = None
        if readout_units:
            self.readout = keras.layers.Dense(readout_units, activation="relu", name="readout")
            self.readout.build((None, None, units + width))
        self.logit = keras.layers.Dense(1, name="logit")
        self.logit.build((None, None, readout_units or units))
        self.stack.set_gate_bias(gate_bias, self.inputs_of.size, seed)
        self.built = True

    def call(
        self, pixels: tf.Tensor, labels: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """pixels [B, T], and labels [B] where it reads them -> logits [B, T], teacher-forced."""
        states = self.zero_states(tf.shape(pixels)[0])
        return self.segment(pixels, 0, self.inputs_of.size, states, labels, training)[0]

    def zero_states(self, batch_size) -> States:
        """The state before the first pixel."""
        return self.stack.zero_states(batch_size)

    def segment(
        self,
        pixels: tf.Tensor,
        start,
        stop,
        states: States,
        labels: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, States]:
        """Steps ``start`` to ``stop`` from the state before ``start``.

        pixels [B, T] -> logits [B, stop - start], the state after step ``stop - 1``.
        """
        inputs = self._read(pixels, start, stop, labels)
        if self.readout is None:
            return self.stack.logits(inputs, states, self.logit, training)
        outputs, states = self.stack.run(inputs, states, training)
        return self._logits(outputs, inputs), states

    def outputs(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """pixels [B, T] -> what the last layer gives [B, T, units], the logits [B, T]."""
        inputs = self._read(pixels, 0, self.inputs_of.size)
        outputs, _ = self.stack.run(inputs, self.zero_states(tf.shape(pixels)[0]))
        return outputs, self._logits(outputs, inputs)

    def _logits(self, outputs: tf.Tensor, inputs: Reading) -> tf.Tensor:
        """What is read out of outputs [B, T, units] and the inputs of the same steps: [B, T]."""
        if self.readout is not None:
            outputs = self.readout(tf.concat([outputs, inputs.dense()], axis=2))
        return self.logit(outputs)[..., 0]

    def step(self, pixels: tf.Tensor, t, states: States) -> tuple[tf.Tensor, States]:
        """The logits of pixel ``t`` [B], read from the pixels before it, and the state after."""
        return self.step_on(self._read(pixels, t, t + 1), states)

    def step_on(self, inputs: Reading, states: States) -> tuple[tf.Tensor, States]:
        """One step on what it reads (see ``PixelInputs``): the logits [B], the state after."""
        self.check_labels(None)
        outputs, states = self.stack.step(inputs, states)
        return self._logits(outputs[:, None], inputs)[:, 0], states

    def _read(self, pixels: tf.Tensor, start, stop, labels: tf.Tensor | None = None) -> Reading:
        self.check_labels(labels)
        inputs = self.inputs_of.between(pixels, start, stop)
        return inputs if labels is None else inputs.labelled(labels, self.classes)

    def check_labels(self, labels: object | None) -> None:
        """Raises ValueError unless labels are given just where the model reads them."""
        if self.classes and labels is None:
            raise ValueError(
                "the model reads labels and is given none; take a variant without labels, or in "
                "Python model.of_class(label)"
            )
        if not self.classes and labels is not None:
            raise ValueError("labels are given to a model that reads none; leave them out")

    def check_raster(self, what: str) -> None:
        """Raises ValueError unless the model reads in raster order, which ``what`` needs."""
        if not self.orientation.is_raster:
            raise ValueError(
                f"orientation is {self.orientation.way!r}, and {what} needs raster; take a variant "
                f"without orientation"
            )

    @property
    def log_prior(self) -> np.ndarray:
        """log p(class), float64 [K] nats; -inf of a class that no training image had."""
        return np.log(self.prior, where=self.prior > 0, out=np.full(self.classes, -np.inf))

    def of_class(self, label: int) -> "Predictor":
        """The model of one class's images, which reads no labels; the same but for rounding.

        It is one object for each label, with the weights that this model has now. Raises ValueError
        for a label that is no class of the model's.
        """
        if label not in range(self.classes):
            allowed = (
                f"allowed: 0 to {self.classes - 1}"
                if self.classes
                else "the model reads none; leave label out, or take a variant with labels: true"
            )
            raise ValueError(f"label is {label}; {allowed}")
        return self._given(label, self._unlabelled(label))

    def of_each_class(self) -> Iterator["Predictor"]:
        """``of_class`` of all labels in turn: one object, so that it is compiled once for all.

        It is of a class until the next one is asked for.
        """
        for label in range(self.classes):
            yield self._given(label, self._unlabelled(None))

    def _given(self, label: int, model: "Predictor") -> "Predictor":
        """``model``, which reads no labels, with the weights of a class."""
        model.stack.core = self.stack.core
        layers = list(zip(self.stack.recurrent_layers, model.stack.recurrent_layers, strict=True))
        for index, (layer, plain) in enumerate(layers):
            kernel, recurrent, bias = layer.get_weights()
            if not index or self.stack.residual:
                kernel, bias = self._folded(label, kernel, bias, self.stack.units if index else 0)
            plain.set_weights([kernel, recurrent, bias])
        if self.readout is not None and model.readout is not None:
            kernel, bias = self.readout.get_weights()
            model.readout.set_weights(self._folded(label, kernel, bias, self.stack.units))
        model.logit.set_weights(self.logit.get_weights())
        return model

    def _folded(self, label: int, kernel, bias, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Kernel and bias of what reads labels in the rows from ``first`` on, for one label."""
        rows = slice(first, first + self.classes)
        return np.delete(kernel, rows, axis=0), bias + kernel[first + label]

    def get_config(self) -> dict:
        prior = {"prior": self.prior.tolist()} if self.classes else {}
        return {"name": self.name, **self.settings, **prior, "pixels": self.pixels}

    def build_from_config(self, config: dict) -> None:
        """Nothing to do: the constructor has built the model."""


def load_predictor(
    path: Path, pixels: dict | None = None, other_data: bool | None = None
) -> Predictor:
    """The predictor of a .keras file, trained on such ``pixels`` (see ``load_model``).

    Raises ValueError where it reads labels and these have other classes, too; none they may have.
    """
    model = load_model(path, Predictor, pixels, other_data)
    if model.classes and pixels is not None:
        same_classes(model.pixels, pixels, f"{path}")
    accelerator.note(model.stack)
    return model
