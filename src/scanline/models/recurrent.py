"""Recurrent layers of the report (equations 1 to 9) and stacks of them.

``GRU`` and ``LSTM`` are Keras' layers with the native core in place of Keras' loop: same weights
in the same layout (kernel, recurrent_kernel, bias; gates z, r, h and i, f, c, o), same results. On
a GPU, without a compiler and for what the core does not know (masks, dropout, other activations)
Keras' own loop runs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from scanline.models import native
from scanline.models.reading import Reading

CELLS = ("gru", "lstm")
IMPLEMENTATIONS = ("auto", "native", "keras")
States = tuple[tf.Tensor, ...]
LEAST_SHARED = 8  # steps that sequences must be long for common ones to be looked for
GATE_BIASES = ("zeros", "one", "chrono")


class _Native(keras.layers.RNN):
    """What GRU and LSTM share: the choice of the implementation, and the run over a sequence."""

    def __init__(
        self, units: int, implementation: str = "auto", precision: str = "float32", **kwargs
    ):
        if precision not in native.PRECISIONS:
            raise ValueError(f"precision is {precision!r}; allowed: {', '.join(native.PRECISIONS)}")
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"implementation is {implementation!r}; allowed: {', '.join(IMPLEMENTATIONS)}"
            )
        super().__init__(units, **kwargs)
        self.implementation_chosen = implementation
        self.precision = precision
        self.input_gradient = True

    def runs_natively(self, mask=None) -> bool:
        """Whether the native core does this layer's work.

        Raises ValueError where ``implementation`` is "native" and it cannot.
        """
        if self.implementation_chosen == "keras":
            return False
        cell = self.cell
        known = (
            mask is None
            and cell.use_bias
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and not (cell.dropout or cell.recurrent_dropout or self.stateful or self.go_backwards)
            and self.compute_dtype == self.variable_dtype
            and self.compute_dtype in ("float32", "float64")
        )
        if self.implementation_chosen == "native":
            if not known or native.library() is None:
                raise ValueError(
                    f"{self.name}: implementation is 'native', which needs a C++ compiler and a "
                    "layer of tanh and sigmoid with biases, without mask, dropout, state kept "
                    "between calls or turned time; use 'auto' or 'keras'"
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
            return native.recurrent(
                self._kind(),
                inputs,
                states,
                [
                    tf.convert_to_tensor(weight)
                    for weight in (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
                ],
                sequences and head is None,
                training,
                self.input_gradient,
                None if head is None else tf.concat([head.kernel[:, 0], head.bias], axis=0),
                self.precision,
                shared,
                shared_gradient,
            )
        if isinstance(inputs, Reading):
            inputs = inputs.dense()
        _, outputs, states = self.inner_loop(inputs, list(states), None, training)
        return outputs if head is None else head(outputs)[..., 0], list(states)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if not self.runs_natively(mask):
            return super().call(
                sequences, initial_state=initial_state, mask=mask, training=training
            )
        if initial_state is None:
            initial_state = self.get_initial_state(batch_size=tf.shape(sequences)[0])
        if isinstance(initial_state, tf.Tensor):
            initial_state = [initial_state]
        outputs, states = self.run(sequences, initial_state, self.return_sequences, bool(training))
        outputs = outputs if self.return_sequences else states[0]
        return (outputs, *states) if self.return_state else outputs

    def stock(self) -> keras.layers.Layer:
        """Keras' own layer with this one's settings and weights."""
        kind = keras.layers.LSTM if isinstance(self, keras.layers.LSTM) else keras.layers.GRU
        config = self.get_config()
        del config["implementation"], config["precision"]
        twin = kind.from_config(config)
        twin.build((None, None, self.cell.kernel.shape[0]))
        twin.set_weights(self.get_weights())
        return twin

    def get_config(self):
        return super().get_config() | {
            "implementation": self.implementation_chosen,
            "precision": self.precision,
        }

    def _kind(self) -> str:
        """The cell, as ``native.recurrent`` names it."""
        if isinstance(self, keras.layers.LSTM):
            return "lstm"
        return "gru_reset_after" if self.cell.reset_after else "gru"


@keras.saving.register_keras_serializable("scanline")
class GRU(_Native, keras.layers.GRU):
    """keras.layers.GRU on the native core (``implementation``: auto, native or keras)."""


@keras.saving.register_keras_serializable("scanline")
class LSTM(_Native, keras.layers.LSTM):
    """keras.layers.LSTM on the native core (``implementation``: auto, native or keras)."""


@keras.saving.register_keras_serializable("scanline")
class RecurrentStack(keras.layers.Layer):
    """``layers`` recurrent layers of ``units`` each, one above the other.

    A state is a flat tuple of [B, units] tensors, layer by layer: (h1, h2, ...) for GRU,
    (h1, c1, h2, c2, ...) for LSTM. ``input_gradient`` False spares the gradient of the inputs,
    which nothing needs where they are pixels; then the steps that sequences of a batch have in
    common from the start are computed once in training too, and what first states add to the loss
    there is told of their sum alone. ``precision``: float32, or bfloat16 for the products.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        layers: int,
        implementation: str = "auto",
        input_gradient: bool = True,
        precision: str = "float32",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; allowed: {', '.join(CELLS)}")
        self.cell, self.units, self.depth = cell, units, layers
        self.recurrent_layers = [
            self._layer(index, implementation, precision) for index in range(layers)
        ]
        self.recurrent_layers[0].input_gradient = input_gradient

    def _layer(self, index: int, implementation: str, precision: str) -> "GRU | LSTM":
        options: dict = dict(
            implementation=implementation,
            precision=precision,
            return_sequences=True,
            name=f"{self.cell}_{index}",
        )
        if self.cell == "gru":
            return GRU(self.units, reset_after=False, **options)
        return LSTM(self.units, **options)

    @property
    def states_per_layer(self) -> int:
        return 1 if self.cell == "gru" else 2

    def build(self, input_shape):
        for layer in self.recurrent_layers:
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], self.units)

    @property
    def precision(self) -> str:
        """That of the products, of every layer."""
        return self.recurrent_layers[0].precision

    @contextmanager
    def computing_in(self, precision: str) -> Iterator[None]:
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
            "implementation": lowest.implementation_chosen,
            "input_gradient": lowest.input_gradient,
            "precision": lowest.precision,
        }


def set_gate_bias(stack: RecurrentStack, gate_bias: str, steps: int, seed: int) -> None:
    """Sets the bias of the gate that keeps a state: GRU's update gate, LSTM's forget gate.

    ``chrono``: log U(1, steps - 1), so that some units remember as long as a sequence of ``steps``;
    LSTM's input gate gets its negative (Tallec and Ollivier, arXiv:1804.11188).
    """
    if gate_bias not in GATE_BIASES:
        raise ValueError(f"gate_bias is {gate_bias!r}; allowed: {', '.join(GATE_BIASES)}")
    generator = np.random.default_rng(seed)
    units = stack.units
    for layer in stack.recurrent_layers:
        _, _, variable = layer.weights  # kernel, recurrent_kernel, bias
        bias = np.zeros(variable.shape, np.float32)
        keep = slice(0, units) if stack.cell == "gru" else slice(units, 2 * units)
        if gate_bias == "one":
            bias[..., keep] = 1
        elif gate_bias == "chrono":
            bias[..., keep] = np.log(generator.uniform(1, max(steps - 1, 1), units))
            if stack.cell == "lstm":
                bias[..., :units] = -bias[..., keep]
        variable.assign(bias)
