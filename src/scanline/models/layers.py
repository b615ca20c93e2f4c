"""Keras' recurrent layers ``GRU`` and ``LSTM`` on the native core (the report's equations 1 to 9).

They have the same weights in the same layout (kernel, recurrent_kernel, bias; gates z, r, h and
i, f, c, o), the same results and the same calls. Keras' own loop runs on a GPU, without a compiler,
within XLA, in forward mode and for what the core does not know (masks, dropout, other activations,
mixed precision). A tf.function that was traced on the core can neither be called by one that XLA
compiles nor be followed by a ForwardAccumulator; layers with ``core="keras"`` can.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf
from tensorflow.python.eager import forwardprop_util
from tensorflow.python.ops import control_flow_util

from scanline.models import native
from scanline.models.reading import Reading

CORES = ("auto", "native", "keras")


class Wanted(NamedTuple):
    """What a run over a sequence is to give.

    Without ``sequences`` the outputs may be left out ([B, 0, units]). Keras' loop gives them only
    where the layer was made with ``return_sequences``. With a ``head`` of one unit the outputs are
    its logits [B, T]. ``shared`` and ``shared_gradient``: see ``native.recurrent``.
    """

    sequences: bool
    training: bool
    head: keras.layers.Dense | None = None
    shared: tf.Tensor | None = None
    shared_gradient: bool = False


class _Native(keras.layers.RNN):
    """What GRU and LSTM share: the choice of what runs, and the run over a sequence."""

    def __init__(
        self,
        units: int,
        *arguments,
        core: str = "auto",
        precision: native.Precision = "float32",
        **kwargs,
    ):
        native.check_precision(precision)
        if core not in CORES:
            raise ValueError(f"core is {core!r}; allowed: {', '.join(CORES)}")
        super().__init__(units, *arguments, **kwargs)
        self.core, self.precision = core, precision
        self.input_gradient = True
        if core != "keras" and self._known_settings():
            # As with cuDNN's kernels: a model is not compiled by XLA, which cannot call the core.
            self.supports_jit = False

    def _known_settings(self) -> bool:
        """Whether the core computes what this layer was made for."""
        cell = self.cell
        return bool(
            cell.use_bias
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and not (cell.dropout or cell.recurrent_dropout)
            and self.compute_dtype == self.variable_dtype
            and self.compute_dtype in ("float32", "float64")
        )

    def runs_natively(self, mask=None) -> bool:
        """Whether the native core does the work of a call with ``mask`` made here and now.

        Raises ValueError where ``core`` is "native" and it cannot.
        """
        if self.core == "keras":
            return False
        known = (
            self._known_settings()
            and all(part is None for part in keras.tree.flatten(mask))
            and 0 < self.cell.kernel.shape[0] <= native.WIDEST
            and not _within_xla()
        )
        if self.core == "native":
            if not known or native.library() is None:
                raise ValueError(
                    f"{self.name}: core is 'native', which needs a C++ compiler and a layer of "
                    "tanh and sigmoid with biases, in one precision, with features, without mask, "
                    "dropout or XLA; use 'auto' or 'keras'"
                )
            return True
        return bool(
            known and not tf.config.list_physical_devices("GPU") and native.library() is not None
        )

    def run(
        self, inputs: tf.Tensor | Reading, states: Sequence[tf.Tensor], wanted: Wanted
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """inputs [B, T, D] from ``states`` on -> outputs [B, T, units], the states after step T."""
        if self.runs_natively():
            return self._run_core(inputs, states, wanted)
        if isinstance(inputs, Reading):
            inputs = inputs.dense()
        _, outputs, states = super().inner_loop(inputs, list(states), None, wanted.training)
        head = wanted.head
        return outputs if head is None else head(outputs)[..., 0], list(states)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """The steps of Keras' call, which has made states and types what they should be."""
        given = [sequences, *keras.tree.flatten(initial_state), *self._weights()]
        if not self.runs_natively(mask) or _in_forward_mode(given):
            return super().inner_loop(sequences, initial_state, mask, training)
        inputs = tf.cast(sequences, self.compute_dtype)
        if self.go_backwards:
            inputs = tf.reverse(inputs, [1])
        outputs, states = self._run_core(
            inputs,
            # Variables are read now: a state that is kept has changed when a gradient is computed.
            [tf.convert_to_tensor(state) for state in keras.tree.flatten(initial_state)],
            Wanted(self.return_sequences, tf.is_tensor(training) or bool(training)),
        )
        return states[0], outputs if self.return_sequences else states[0][:, None], states

    def _run_core(
        self, inputs: tf.Tensor | Reading, states: Sequence[tf.Tensor], wanted: Wanted
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        head = wanted.head
        return native.recurrent(
            self._kind(),
            inputs,
            states,
            [tf.convert_to_tensor(weight) for weight in self._weights()],
            wanted.sequences and head is None,
            wanted.training,
            self.input_gradient,
            None if head is None else tf.concat([head.kernel[:, 0], head.bias], axis=0),
            self._loop,
            self.precision,
            wanted.shared,
            wanted.shared_gradient,
        )

    def _loop(
        self, inputs: tf.Tensor, states: list[tf.Tensor], weights: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Keras' loop, forward in time, as a function of the weights: outputs, states after."""
        if self.go_backwards:
            inputs = tf.reverse(inputs, [1])
        with keras.StatelessScope(list(zip(self._weights(), weights, strict=True))):
            _, outputs, states = keras.layers.RNN.inner_loop(self, inputs, states, None)
        return outputs, list(states)

    def _weights(self) -> list[keras.Variable]:
        return [self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias]

    def stock(self) -> keras.layers.Layer:
        """Keras' own layer with this one's settings and weights."""
        kind = keras.layers.LSTM if isinstance(self, keras.layers.LSTM) else keras.layers.GRU
        config = self.get_config()
        del config["core"], config["precision"]
        twin = kind.from_config(config)
        twin.build((None, None, self.cell.kernel.shape[0]))
        twin.set_weights(self.get_weights())
        return twin

    def get_config(self):
        return super().get_config() | {"core": self.core, "precision": self.precision}

    @classmethod
    def from_config(cls, config):
        return cls(**with_core(config))

    def _kind(self) -> str:
        """The cell, as ``native.recurrent`` names it."""
        if isinstance(self, keras.layers.LSTM):
            return "lstm"
        return "gru_reset_after" if self.cell.reset_after else "gru"


# TensorFlow tells these two nowhere in its public interface.
def _within_xla() -> bool:
    """Whether what is called now is compiled by XLA."""
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def _in_forward_mode(values: Sequence) -> bool:
    """Whether a tf.autodiff.ForwardAccumulator follows one of the values."""
    tensors = [tf.convert_to_tensor(value) for value in values]
    return bool(forwardprop_util.pack_tangents(tensors).tangents)


def with_core(config: dict) -> dict:
    """``config`` with ``core``, which was once called implementation, a word that Keras uses."""
    if isinstance(config.get("implementation"), str):
        config = {"core" if key == "implementation" else key: v for key, v in config.items()}
    return config


@keras.saving.register_keras_serializable("scanline")
class GRU(_Native, keras.layers.GRU):
    """keras.layers.GRU on the native core (``core``: auto, native or keras)."""


@keras.saving.register_keras_serializable("scanline")
class LSTM(_Native, keras.layers.LSTM):
    """keras.layers.LSTM on the native core (``core``: auto, native or keras)."""


def _report_gru(units: int, **options) -> GRU:
    """The report's GRU, whose reset gate acts before the recurrent product (equations 6 to 9)."""
    return GRU(units, reset_after=False, **options)


LAYERS = {"gru": _report_gru, "lstm": LSTM}  # a layer for each of CELLS
