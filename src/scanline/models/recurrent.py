"""Recurrent layers of the report (equations 1 to 9) and stacks of them.

``GRU`` and ``LSTM`` are Keras' layers with the native core in place of Keras' loop: same weights
in the same layout (kernel, recurrent_kernel, bias; gates z, r, h and i, f, c, o), same results,
same calls. On a GPU, without a compiler, within XLA, in forward mode and for what the core does not
know (masks, dropout, other activations, mixed precision) Keras' own loop runs. A tf.function that
was traced on the core can neither be called by one that XLA compiles nor be followed by a
ForwardAccumulator; layers with ``core="keras"`` can.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import forwardprop_util
from tensorflow.python.ops import control_flow_util

from scanline.models import native
from scanline.models.cells import CELLS, cell_of
from scanline.models.reading import Reading

CORES = ("auto", "native", "keras")
States = tuple[tf.Tensor, ...]
LEAST_SHARED = 8  # steps that sequences must be long for common ones to be looked for
GATE_BIASES = ("zeros", "one", "chrono")


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
            and not control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
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
        self,
        inputs: tf.Tensor | Reading,
        states: Sequence[tf.Tensor],
        sequences: bool,
        training: bool,
        head: keras.layers.Dense | None = None,
        shared: tf.Tensor | None = None,
        shared_gradient: bool = False,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """inputs [B, T, D] from ``states`` on -> outputs [B, T, units], the states after step T.

        Without ``sequences`` the outputs may be left out ([B, 0, units]). Keras' loop gives them
        only where the layer was made with ``return_sequences``. With a ``head`` of one unit the
        outputs are its logits [B, T]. ``shared`` and ``shared_gradient``: see ``native.recurrent``.
        """
        if self.runs_natively():
            return self._run_core(
                inputs,
                states,
                sequences and head is None,
                training,
                head,
                shared,
                shared_gradient,
            )
        if isinstance(inputs, Reading):
            inputs = inputs.dense()
        _, outputs, states = super().inner_loop(inputs, list(states), None, training)
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
            self.return_sequences,
            tf.is_tensor(training) or bool(training),
        )
        return states[0], outputs if self.return_sequences else states[0][:, None], states

    def _run_core(
        self,
        inputs: tf.Tensor | Reading,
        states: Sequence[tf.Tensor],
        sequences: bool,
        training: bool,
        head: keras.layers.Dense | None = None,
        shared: tf.Tensor | None = None,
        shared_gradient: bool = False,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        return native.recurrent(
            self._kind(),
            inputs,
            states,
            [tf.convert_to_tensor(weight) for weight in self._weights()],
            sequences,
            training,
            self.input_gradient,
            None if head is None else tf.concat([head.kernel[:, 0], head.bias], axis=0),
            self._loop,
            self.precision,
            shared,
            shared_gradient,
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
        return cls(**_with_core(config))

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


def _with_core(config: dict) -> dict:
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


@keras.saving.register_keras_serializable("scanline")
class RecurrentStack(keras.layers.Layer):
    """``layers`` recurrent layers of ``units`` each, one above the other.

    A state is a flat tuple of [B, units] tensors, layer by layer: (h1, h2, ...) for GRU,
    (h1, c1, h2, c2, ...) for LSTM. ``input_gradient`` False spares the gradient of the inputs,
    which nothing needs where they are pixels; then the steps that sequences of a batch have in
    common from the start are computed once in training too, and what first states add to the loss
    there is told of their sum alone. ``precision``: float32, or bfloat16 for the core's products.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        layers: int,
        core: str = "auto",
        input_gradient: bool = True,
        precision: native.Precision = "float32",
        **kwargs,
    ):
        super().__init__(**kwargs)
        cell_of(cell)  # refuses an unknown one
        self.cell, self.units, self.depth = cell, units, layers
        self.recurrent_layers = [self._layer(index, core, precision) for index in range(layers)]
        self.recurrent_layers[0].input_gradient = input_gradient

    def _layer(self, index: int, core: str, precision: native.Precision) -> "GRU | LSTM":
        options: dict = dict(
            core=core,
            precision=precision,
            return_sequences=True,
            name=f"{self.cell}_{index}",
        )
        return LAYERS[self.cell](self.units, **options)

    def set_gate_bias(self, gate_bias: str, steps: int, seed: int) -> None:
        """Sets the bias of the gate that keeps a state: GRU's update gate, LSTM's forget gate.

        ``chrono``: log U(1, steps - 1), so that some units remember as long as a sequence of
        ``steps``; LSTM's input gate gets its negative (Tallec and Ollivier, arXiv:1804.11188).
        """
        if gate_bias not in GATE_BIASES:
            raise ValueError(f"gate_bias is {gate_bias!r}; allowed: {', '.join(GATE_BIASES)}")
        generator = np.random.default_rng(seed)
        gates, keep = CELLS[self.cell].gates, CELLS[self.cell].keep
        for layer in self.recurrent_layers:
            _, _, variable = layer.weights  # kernel, recurrent_kernel, bias
            bias = np.zeros((len(gates), self.units), np.float32)
            if gate_bias == "one":
                bias[[gates.index(gate) for gate, sign in keep.items() if sign > 0]] = 1
            elif gate_bias == "chrono":
                size = np.log(generator.uniform(1, max(steps - 1, 1), self.units))
                for gate, sign in keep.items():
                    bias[gates.index(gate)] = sign * size
            variable.assign(bias.reshape(-1))

    @property
    def states_per_layer(self) -> int:
        return len(CELLS[self.cell].states)

    def build(self, input_shape):
        for layer in self.recurrent_layers:
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], self.units)

    @property
    def core(self) -> str:
        """What runs the layers, as GRU and LSTM name it; what was compiled before keeps its own."""
        return self.recurrent_layers[0].core

    @core.setter
    def core(self, core: str) -> None:
        for layer in self.recurrent_layers:
            layer.core = core

    @property
    def precision(self) -> native.Precision:
        """That of the products, of every layer."""
        return self.recurrent_layers[0].precision

    @contextmanager
    def computing_in(self, precision: native.Precision) -> Iterator[None]:
        """All that is run, or compiled, in this context multiplies in ``precision``."""
        before = self.precision
        for layer in self.recurrent_layers:
            layer.precision = precision
        try:
            yield
        finally:
            for layer in self.recurrent_layers:
                layer.precision = before

    def zero_states(self, batch_size) -> States:
        """The state before the first step: zeros, [B, units] each."""
        return tuple(
            tf.zeros((batch_size, self.units)) for _ in range(self.depth * self.states_per_layer)
        )

    def run(
        self, inputs: tf.Tensor | Reading, states: States, training: bool = False
    ) -> tuple[tf.Tensor, States]:
        """inputs [B, T, D] from ``states`` on -> outputs [B, T, units], the states after step T.

        In ``training`` more is kept in memory, so that a gradient costs less.
        """
        return self._run(inputs, states, training, sequences=True)

    def logits(
        self,
        inputs: tf.Tensor | Reading,
        states: States,
        head: keras.layers.Dense,
        training: bool = False,
    ) -> tuple[tf.Tensor, States]:
        """``run``, and what a ``head`` of one unit makes of its outputs: logits [B, T], the states.

        Neither the outputs nor their gradients are held in memory.
        """
        return self._run(inputs, states, training, sequences=True, head=head)

    def step(self, inputs: tf.Tensor | Reading, states: States) -> tuple[tf.Tensor, States]:
        """inputs [B, D], or a reading of one step -> output [B, units], the states after it."""
        if not isinstance(inputs, Reading):
            inputs = inputs[:, None]
        _, states = self._run(inputs, states, training=False, sequences=False)
        return states[-self.states_per_layer], states

    def last(self, inputs: tf.Tensor | Reading, training: bool = False) -> tf.Tensor:
        """inputs [B, T, D] -> the output of the last step [B, units]."""
        batch = inputs.batch if isinstance(inputs, Reading) else tf.shape(inputs)[0]
        states = self.zero_states(batch)
        _, states = self._run(inputs, states, training, sequences=False)
        return states[-self.states_per_layer]

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """inputs [B, T, D] -> outputs [B, T, units], from the zero state."""
        return self.run(inputs, self.zero_states(tf.shape(inputs)[0]), training)[0]

    def _run(
        self,
        inputs,
        states,
        training: bool,
        sequences: bool,
        head: keras.layers.Dense | None = None,
    ) -> tuple[tf.Tensor, States]:
        after: list[tf.Tensor] = []
        n = self.states_per_layer
        shared = self._shared(inputs, states)
        for index, layer in enumerate(self.recurrent_layers):
            below = index + 1 < self.depth
            inputs, state = layer.run(
                inputs,
                states[n * index : n * (index + 1)],
                sequences or below,
                training,
                None if below else head,
                shared,
                shared_gradient=not self.recurrent_layers[0].input_gradient,
            )
            after += state
        return inputs, tuple(after)

    def _shared(self, inputs, states) -> tf.Tensor | None:
        """How many steps each sequence has in common with others; None where it is not asked."""
        by_source = isinstance(inputs, Reading) and inputs.by_source
        steps = inputs.steps if isinstance(inputs, Reading) else inputs.shape[1]
        alone = by_source or (isinstance(steps, int) and steps < LEAST_SHARED)
        if alone or not all(layer.runs_natively() for layer in self.recurrent_layers):
            return None
        return native.shared_beginnings(inputs, states)

    def stock_layers(self) -> list[keras.layers.Layer]:
        """keras.layers.GRU or LSTM with this stack's weights, returning sequences.

        A model made of them loads without this project.
        """
        return [layer.stock() for layer in self.recurrent_layers]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        lowest = self.recurrent_layers[0]
        return super().get_config() | {
            "cell": self.cell,
            "units": self.units,
            "layers": self.depth,
            "core": self.core,
            "input_gradient": lowest.input_gradient,
            "precision": self.precision,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**_with_core(config))
