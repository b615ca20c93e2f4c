"""Recurrent layers of the report (equations 1 to 9) and stacks of them.

Weights have Keras' own layout (kernel, recurrent_kernel, bias; gates z, r, h and i, f, c, o),
so they go to and from ``keras.layers.GRU(reset_after=False)`` and ``keras.layers.LSTM`` unchanged.
"""

import keras
import tensorflow as tf

CELLS = ("gru", "lstm")
States = tuple[tf.Tensor, ...]


@keras.saving.register_keras_serializable("scanline")
class RecurrentStack(keras.layers.Layer):
    """``layers`` recurrent layers of ``units`` each, one above the other.

    A state is a flat tuple of [B, units] tensors, layer by layer: (h1, h2, ...) for GRU,
    (h1, c1, h2, c2, ...) for LSTM.
    """

    def __init__(self, cell: str, units: int, layers: int, **kwargs):
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; allowed: {', '.join(CELLS)}")
        self.cell, self.units, self.depth = cell, units, layers
        self.recurrent_layers = [self._layer(index) for index in range(layers)]

    def _layer(self, index: int) -> keras.layers.Layer:
        options = dict(return_sequences=True, return_state=True, name=f"{self.cell}_{index}")
        if self.cell == "gru":
            return keras.layers.GRU(self.units, reset_after=False, **options)
        return keras.layers.LSTM(self.units, **options)

    @property
    def states_per_layer(self) -> int:
        return 1 if self.cell == "gru" else 2

    def build(self, input_shape):
        for layer in self.recurrent_layers:
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], self.units)

    def zero_states(self, batch_size) -> States:
        """The state before the first step: zeros, [B, units] each."""
        return tuple(
            tf.zeros((batch_size, self.units)) for _ in range(self.depth * self.states_per_layer)
        )

    def run(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """inputs [B, T, D] from ``states`` on -> outputs [B, T, units], the states after step T."""
        after: list[tf.Tensor] = []
        n = self.states_per_layer
        for index, layer in enumerate(self.recurrent_layers):
            inputs, *state = layer(inputs, initial_state=list(states[n * index : n * (index + 1)]))
            after += state
        return inputs, tuple(after)

    def step(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """inputs [B, D] -> output [B, units], the states after the step."""
        outputs, states = self.run(inputs[:, None], states)
        return outputs[:, 0], states

    def last(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs [B, T, D] -> the output of the last step [B, units]."""
        return self.run(inputs, self.zero_states(tf.shape(inputs)[0]))[0][:, -1]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs [B, T, D] -> outputs [B, T, units], from the zero state."""
        return self.run(inputs, self.zero_states(tf.shape(inputs)[0]))[0]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return super().get_config() | {
            "cell": self.cell,
            "units": self.units,
            "layers": self.depth,
        }
