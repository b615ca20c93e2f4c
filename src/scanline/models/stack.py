"""Stacks of recurrent layers, from inputs and states to outputs and states."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from scanline.models import native
from scanline.models.cells import CELLS, cell_of
from scanline.models.layers import GRU, LAYERS, LSTM, Wanted, with_core
from scanline.models.reading import Reading

States = tuple[tf.Tensor, ...]
LEAST_SHARED = 8  # steps that sequences must be long for common ones to be looked for
GATE_BIASES = ("zeros", "one", "chrono")


@keras.saving.register_keras_serializable("scanline")
class RecurrentStack(keras.layers.Layer):
    """``layers`` recurrent layers of ``units`` each, one above the other.

    A state is a flat tuple of [B, units] tensors, layer by layer: (h1, h2, ...) for GRU,
    (h1, c1, h2, c2, ...) for LSTM. With ``input_gradient`` False the inputs get no gradient, which
    pixels do not need. Then training too computes once the steps that sequences of a batch have in
    common from the start, and only the sum of the gradients of their first states is right.
    ``precision`` is that of the core's products: float32 or bfloat16.

    With ``residual`` each layer above the first reads the inputs too, and the outputs are the sum
    of all layers' (He et al., arXiv:1512.03385).
    """

    def __init__(
        self,
        cell: str,
        units: int,
        layers: int,
        core: str = "auto",
        input_gradient: bool = True,
        precision: native.Precision = "float32",
        residual: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        cell_of(cell)  # refuses an unknown one
        self.cell, self.units, self.depth, self.residual = cell, units, layers, residual
        self.recurrent_layers = [self._layer(index, core, precision) for index in range(layers)]
        self.recurrent_layers[0].input_gradient = input_gradient
        self._dropout: tuple[float, tf.Tensor] | None = None

    def _layer(self, index: int, core: str, precision: native.Precision) -> GRU | LSTM:
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
        *shape, width = input_shape
        for layer in self.recurrent_layers:
            layer.build(input_shape)
            input_shape = (*shape, self.units + (width if self.residual else 0))

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

    @contextmanager
    def dropping(self, share: float, seed: tf.Tensor) -> Iterator[None]:
        """Training that is run, or compiled, in this context drops a ``share`` of all outputs.

        An output that is dropped is 0 at every step of its sequence, in what the layer above or a
        head reads, and the others are divided by 1 - share; states keep all (Gal and Ghahramani,
        arXiv:1512.05287). ``seed`` int [2] decides which.
        """
        self._dropout = (share, seed) if share else None
        try:
            yield
        finally:
            self._dropout = None

    def _dropped(self, outputs: tf.Tensor, index: int) -> tf.Tensor:
        """What is read of layer ``index``'s outputs [B, T, units], or [B, units]."""
        if self._dropout is None:
            return outputs
        share, seed = self._dropout
        batch, *steps, units = tf.unstack(tf.shape(outputs))
        return tf.nn.experimental.stateless_dropout(
            outputs, share, seed + index, noise_shape=[batch, *[1 for _ in steps], units]
        )

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
        return self.output_of(states), states

    def output_of(self, states: States) -> tf.Tensor:
        """The output [B, units] of the step that left these states."""
        return self._above(states[:: self.states_per_layer])

    def _above(self, outputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """What is read above the stack, of the outputs of each layer."""
        return tf.add_n(outputs) if self.residual else outputs[-1]

    def last(self, inputs: tf.Tensor | Reading, training: bool = False) -> tf.Tensor:
        """inputs [B, T, D] -> the output of the last step [B, units]."""
        batch = inputs.batch if isinstance(inputs, Reading) else tf.shape(inputs)[0]
        states = self.zero_states(batch)
        _, states = self._run(inputs, states, training, sequences=False)
        outputs = states[:: self.states_per_layer]
        if training:
            outputs = tuple(self._dropped(each, index) for index, each in enumerate(outputs))
        return self._above(outputs)

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
        each: list[tf.Tensor] = []
        n = self.states_per_layer
        shared = self._shared(inputs, states)
        drops = training and self._dropout is not None
        alone = not (drops or self.residual)  # the last layer's outputs are all that is read
        for index, layer in enumerate(self.recurrent_layers):
            below = index + 1 < self.depth
            outputs, state = layer.run(
                self._read_by(index, each, inputs),
                states[n * index : n * (index + 1)],
                Wanted(
                    sequences or below,
                    training,
                    head if alone and not below else None,
                    shared,
                    shared_gradient=not self.recurrent_layers[0].input_gradient,
                ),
            )
            after += state
            if drops and (sequences or below):
                outputs, shared = self._dropped(outputs, index), None  # each sequence's own
            each.append(outputs)
        outputs = self._above(each) if sequences else each[-1]
        return outputs if alone or head is None else head(outputs)[..., 0], tuple(after)

    def _read_by(self, index: int, outputs: Sequence[tf.Tensor], inputs):
        """The inputs of layer ``index``, of the ``outputs`` of those below and the stack's own."""
        if not index:
            return inputs
        if not self.residual:
            return outputs[-1]
        own = inputs.dense() if isinstance(inputs, Reading) else inputs
        return tf.concat([self._above(outputs), own], axis=-1)

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
            "residual": self.residual,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**with_core(config))
