"""The next-pixel model (report, section 3.1): a recurrent stack, and one logit in each step.

``logits[:, t]`` are the log-odds that pixel t is ink given the pixels before t. The first is
predicted from a zero start token, so that likelihoods add up to one over all images.
"""

from pathlib import Path

import keras
import tensorflow as tf

from scanline.data.pixels import check_predictable
from scanline.models import accelerator
from scanline.models.architecture import PredictorArchitecture
from scanline.models.environment import check_keras
from scanline.models.inputs import PixelInputs
from scanline.models.loading import load_model
from scanline.models.reading import Reading
from scanline.models.stack import RecurrentStack, States


@keras.saving.register_keras_serializable("scanline")
class Predictor(keras.Model):
    """p(pixel t | pixels before t) for every t.

    ``pixels`` describes the pixels that the model is for (a PixelSet's identity; ``rows`` and
    ``columns`` at least); the other settings are those of ``PredictorArchitecture``. Raises
    ValueError for an unknown cell, inputs or gate_bias, a radius below 1, readout_units below 0,
    and pixels that only classifiers read.
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
        **kwargs,
    ):
        check_keras()
        check_predictable(pixels)
        super().__init__(**kwargs)
        if readout_units < 0:
            raise ValueError(f"readout_units is {readout_units}; allowed: 0 and above (units)")
        self.settings = dict(cell=cell, units=units, layers=layers, inputs=inputs, radius=radius)
        self.settings |= dict(residual=residual, readout_units=readout_units)
        self.pixels = dict(pixels)
        self.inputs_of = PixelInputs(inputs, pixels["rows"], pixels["columns"], radius)
        keras.utils.set_random_seed(seed)
        self.stack = RecurrentStack(
            cell, units, layers, input_gradient=False, residual=residual, name="stack"
        )
        self.stack.build((None, None, self.inputs_of.width))
        self.readout = None
        if readout_units:
            self.readout = keras.layers.Dense(readout_units, activation="relu", name="readout")
            self.readout.build((None, None, units + self.inputs_of.width))
        self.logit = keras.layers.Dense(1, name="logit")
        self.logit.build((None, None, readout_units or units))
        self.stack.set_gate_bias(gate_bias, self.inputs_of.size, seed)
        self.built = True

    def call(self, pixels: tf.Tensor, training: bool = False) -> tf.Tensor:
        """pixels [B, T] -> logits [B, T], teacher-forced."""
        states = self.zero_states(tf.shape(pixels)[0])
        return self.segment(pixels, 0, self.inputs_of.size, states, training)[0]

    def zero_states(self, batch_size) -> States:
        """The state before the first pixel."""
        return self.stack.zero_states(batch_size)

    def segment(
        self, pixels: tf.Tensor, start, stop, states: States, training: bool = False
    ) -> tuple[tf.Tensor, States]:
        """Steps ``start`` to ``stop`` from the state before ``start``.

        pixels [B, T] -> logits [B, stop - start], the state after step ``stop - 1``.
        """
        inputs = self.inputs_of.between(pixels, start, stop)
        if self.readout is None:
            return self.stack.logits(inputs, states, self.logit, training)
        outputs, states = self.stack.run(inputs, states, training)
        return self._logits(outputs, inputs), states

    def outputs(self, pixels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """pixels [B, T] -> what the last layer gives [B, T, units], the logits [B, T]."""
        inputs = self.inputs_of.between(pixels, 0, self.inputs_of.size)
        outputs, _ = self.stack.run(inputs, self.zero_states(tf.shape(pixels)[0]))
        return outputs, self._logits(outputs, inputs)

    def _logits(self, outputs: tf.Tensor, inputs: Reading) -> tf.Tensor:
        """What is read out of outputs [B, T, units] and the inputs of the same steps: [B, T]."""
        if self.readout is not None:
            outputs = self.readout(tf.concat([outputs, inputs.dense()], axis=2))
        return self.logit(outputs)[..., 0]

    def step(self, pixels: tf.Tensor, t, states: States) -> tuple[tf.Tensor, States]:
        """The logits of pixel ``t`` [B], read from the pixels before it, and the state after."""
        return self.step_on(self.inputs_of.between(pixels, t, t + 1), states)

    def step_on(self, inputs: Reading, states: States) -> tuple[tf.Tensor, States]:
        """One step on what it reads (see ``PixelInputs``): the logits [B], the state after."""
        outputs, states = self.stack.step(inputs, states)
        return self._logits(outputs[:, None], inputs)[:, 0], states

    def get_config(self) -> dict:
        return {"name": self.name, **self.settings, "pixels": self.pixels}

    def build_from_config(self, config: dict) -> None:
        """Nothing to do: the constructor has built the model."""


def load_predictor(
    path: Path, pixels: dict | None = None, other_data: bool | None = None
) -> Predictor:
    """The predictor of a .keras file, trained on such ``pixels`` (see ``load_model``)."""
    model = load_model(path, Predictor, pixels, other_data)
    accelerator.note(model.stack)
    return model
