"""What the cells can and cannot do (the report's section 1.1), shown on the real layers.

Three demonstrations, each an error against ``gate_bias``, the size b of the biases that open or
close a gate; sigma is the sigmoid, and 1 - sigma(b) = sigma(-b) is about exp(-b).

keep
    A state is kept over T steps of pixels. LSTM: b_f = b and b_i = -b (f = 1, i = 0 in the limit),
    GRU: b_z = b (z = 1); these gates' weights are 0, all others random. Error: the largest change
    of the state (c of the LSTM, h of the GRU). Since f = sigma(b) and i = 1 - f, and likewise for
    z, it is at most (1 - sigma(b)**T) (1 + max|start|).
copy
    The output depends only on the current input. LSTM: recurrent weights 0, b_f = -b, b_i = b;
    GRU: recurrent weights 0, b_z = -b. Error: the largest difference between the last outputs of
    two sequences that share nothing but their last input. It is at most 2 sigma(-b), because states
    that start within (-1, 1) stay there and what is left of them is multiplied by sigma(-b).
imitate
    The report's GRU that no LSTM equals: one unit, A_z = 0 and W = U = b = 1 for r and h. From the
    zero state its first output is g(x) = tanh(x + 1) / 2. An LSTM unit's first output is

        sigma(w_o x + b_o) tanh(sigma(w_i x + b_i) tanh(w_c x + b_c)),

    whatever its recurrent weights and however many units stand beside it. g tends to -1/2 and 1/2.
    If w_o or w_i is not 0, the LSTM's output tends to 0 on one side: a distance of at least 1/2.
    If both are 0 it is o tanh(i tanh(w x + b_c)) with constants o and i in (0, 1). Its best b_c is
    w: the curves for w + d and w - d are mirror images, thus equally far off, and the one for w
    lies between them. With s = x + 1 the question is whether o tanh(i tanh(w s)) = tanh(s) / 2 for
    all s. The rates at which both sides approach their limits say w = 1; then o tanh(i y) would be
    y / 2 for all y in (-1, 1), and tanh is not linear. So a distance remains. Error: the distance
    (largest difference over x) of the nearest LSTM with b_o = b, which levels off near 0.0017.

The layers compute in float32, whose rounding (6e-8 of a value, at each step) adds to the bounds.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from scanline.models.cells import CELLS
from scanline.models.stack import RecurrentStack

COLUMNS = ("demonstration", "cell", "gate_bias", "error", "bound")


def demonstrate(
    *, gate_biases: Sequence[float], steps: int, units: int, sequences: int, seed: int
) -> pd.DataFrame:
    """All demonstrations, one row for each one, cell and gate bias; columns as in COLUMNS.

    An error is the largest over so many ``sequences`` (to copy, over half as many pairs). Raises
    ValueError where a gate bias is negative or no number, ``steps`` or ``units`` below 1, or there
    are fewer than 2 sequences.
    """
    if not gate_biases or not all(np.isfinite(b) and b >= 0 for b in gate_biases):
        raise ValueError(f"gate_biases is {tuple(gate_biases)}; allowed: numbers, 0 and above")
    if steps < 1 or units < 1:
        raise ValueError(f"steps is {steps} and units is {units}; allowed: 1 and above")
    if sequences < 2:
        raise ValueError(f"sequences is {sequences}; allowed: 2 and above")
    drawn = Drawn(sequences, steps, seed)
    rows = []
    layers = {cell: Layer(cell, units) for cell in CELLS}
    single = {cell: Layer(cell, 1) for cell in CELLS}
    for bias in sorted({float(bias) for bias in gate_biases}):
        for cell, layer in layers.items():
            rows.append(("keep", cell, bias, *keeping_error(layer, bias, drawn)))
            rows.append(("copy", cell, bias, *copying_error(layer, bias, drawn)))
        rows.append(("imitate", "lstm", bias, imitation_error(single, bias), np.nan))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["demonstration", "cell", "gate_bias"])


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Per demonstration and cell: its gates in the limit, and the error with no and most bias."""
    rows = []
    for (demonstration, cell), gates in _settings().items():
        chosen = (table.demonstration == demonstration) & (table.cell == cell)
        first, last = table[chosen].iloc[0], table[chosen].iloc[-1]
        rows.append(
            {
                "demonstration": demonstration,
                "cell": cell,
                "gates": gates,
                "least_bias": first.gate_bias,
                "error_at_least_bias": first.error,
                "largest_bias": last.gate_bias,
                "error_at_largest_bias": last.error,
            }
        )
    return pd.DataFrame(rows)


def _settings() -> dict[tuple[str, str], str]:
    """The gates in the limit, by demonstration and cell."""

    def limits(signs: Mapping[str, int]) -> str:
        return ", ".join(f"{gate} = {max(sign, 0)}" for gate, sign in signs.items())

    return {
        **{("keep", name): limits(CELLS[name].keep) for name in reversed(CELLS)},
        **{("copy", name): f"{limits(CELLS[name].copy)}, U = 0" for name in reversed(CELLS)},
        ("imitate", "lstm"): "the nearest LSTM to the report's GRU",
    }


class Drawn(NamedTuple):
    """The random sequences that an error is the largest over, and the seed of all that is drawn."""

    sequences: int
    steps: int
    seed: int


class Layer:
    """A layer of one input, the project's own, whose weights are set by hand; compiled once."""

    def __init__(self, cell: str, units: int):
        self.cell, self.units = cell, units
        self.stack = RecurrentStack(cell, units, 1)
        self.stack.build((None, None, 1))
        self._run = tf.function(self.stack.run, autograph=False)

    def run(
        self, weights: Sequence[np.ndarray], inputs: np.ndarray, start: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """inputs [B, T, 1] -> outputs [B, T, units] and the kept state (h, or the LSTM's c)."""
        self.stack.set_weights(list(weights))
        states = tuple(tf.constant(state, tf.float32) for state in start)
        outputs, after = self._run(tf.constant(inputs, tf.float32), states)
        return np.asarray(outputs, np.float64), np.asarray(after[-1], np.float64)


def keeping_error(layer: Layer, bias: float, drawn: Drawn) -> tuple[float, float]:
    """Largest change of a state over steps of random pixels, and its bound."""
    generator = np.random.default_rng(drawn.seed)
    weights = _biased(layer, CELLS[layer.cell].keep, bias, generator)
    start = _start(layer, drawn.sequences, generator)
    _, kept = layer.run(weights, generator.integers(0, 2, (drawn.sequences, drawn.steps, 1)), start)
    bound = -np.expm1(drawn.steps * np.log(_sigmoid(bias))) * (1 + float(np.abs(start[-1]).max()))
    return float(np.abs(kept - start[-1]).max()), float(bound)


def copying_error(layer: Layer, bias: float, drawn: Drawn) -> tuple[float, float]:
    """Largest difference of last outputs that only the past can make, and its bound."""
    generator = np.random.default_rng(drawn.seed)
    kernel, recurrent, biases = _biased(layer, CELLS[layer.cell].copy, bias, generator)
    half = drawn.sequences // 2
    inputs = generator.normal(size=(2 * half, drawn.steps, 1))
    inputs[half:, -1] = inputs[:half, -1]  # the second half has another past
    start = _start(layer, 2 * half, generator)
    outputs, _ = layer.run((kernel, np.zeros_like(recurrent), biases), inputs, start)
    error = np.abs(outputs[half:, -1] - outputs[:half, -1]).max()
    return float(error), float(2 * _sigmoid(-bias))


def imitation_error(layers: Mapping[str, Layer], bias: float) -> float:
    """Largest difference over x between the first outputs of the report's GRU and the nearest LSTM.

    The LSTM has the output gate's bias ``bias``; its input gate and the candidate's weight are
    searched, the others follow from the module's argument. ``layers`` are one of each cell, of one
    unit.
    """
    inputs = np.linspace(-9, 7, 1601)[:, None, None]
    zero = np.zeros((len(inputs), 1))
    ones = np.array([[0, 1, 1]])  # A_z = 0, all else 1
    gru, _ = layers["gru"].run((ones, ones, ones[0]), inputs, (zero,))
    i, w = _nearest_lstm(_sigmoid(bias))
    kernel = np.array([[0, 0, w, 0]])
    biases = np.array([np.log(i / (1 - i)), 0, w, bias])
    lstm, _ = layers["lstm"].run((kernel, 0 * kernel, biases), inputs, (zero, zero))
    return float(np.abs(gru - lstm).max())


def _nearest_lstm(o: float) -> tuple[float, float]:
    """(i, w) whose o tanh(i tanh(w s)) comes nearest to tanh(s) / 2 for all s.

    A grid search that zooms in on its best point. Both functions are odd, so s >= 0 suffices.
    """
    s = np.linspace(0, 8, 201)[:, None, None]
    target = np.tanh(s) / 2
    i_low, i_high, w_low, w_high = 1e-3, 1 - 1e-6, 0.3, 3.0
    for _ in range(7):
        i, w = np.linspace(i_low, i_high, 31), np.linspace(w_low, w_high, 31)
        distance = np.abs(o * np.tanh(i[:, None] * np.tanh(w * s)) - target).max(axis=0)
        a, b = np.unravel_index(distance.argmin(), distance.shape)
        i_low, i_high = i[max(a - 4, 0)], i[min(a + 4, 30)]
        w_low, w_high = w[max(b - 4, 0)], w[min(b + 4, 30)]
    return float(i[a]), float(w[b])


def _biased(
    layer: Layer, signs: Mapping[str, int], bias: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random weights, in which the named gates see nothing but a bias of the given sign."""
    gates, units = CELLS[layer.cell].gates, layer.units
    kernel = generator.normal(size=(1, len(gates), units))
    recurrent = generator.normal(size=(units, len(gates), units)) / np.sqrt(units)
    biases = np.zeros((len(gates), units))
    for gate, sign in signs.items():
        index = gates.index(gate)
        kernel[:, index] = recurrent[:, index] = 0
        biases[index] = sign * bias
    wide = len(gates) * units
    return kernel.reshape(1, wide), recurrent.reshape(units, wide), biases.reshape(wide)


def _start(layer: Layer, sequences: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Random float32 states within (-1, 1), where every reachable output lies."""
    shape = (layer.stack.states_per_layer, sequences, layer.units)
    return list(generator.uniform(-1, 1, shape).astype(np.float32))


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
