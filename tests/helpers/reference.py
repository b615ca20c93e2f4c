"""GRU and LSTM in NumPy, written from equations 1 to 9 of the report: the oracle of the layers.

Weights in Keras' layout; everything in the arrays' own precision, float64 in the tests.
"""

import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru_step(x, h, kernel, recurrent_kernel, bias, reset_after=False):
    """x [B, D], h [B, U] -> h [B, U]; gates z, r, candidate. Bias [3U], reset after: [2, 3U]."""
    units = h.shape[1]
    from_bias, recurrent_bias = bias if reset_after else (bias, np.zeros_like(bias))
    a = x @ kernel + from_bias
    z, r, c = slice(0, units), slice(units, 2 * units), slice(2 * units, None)
    update = sigmoid(a[:, z] + h @ recurrent_kernel[:, z] + recurrent_bias[z])
    reset = sigmoid(a[:, r] + h @ recurrent_kernel[:, r] + recurrent_bias[r])
    if reset_after:
        candidate = np.tanh(a[:, c] + reset * (h @ recurrent_kernel[:, c] + recurrent_bias[c]))
    else:
        candidate = np.tanh(a[:, c] + (reset * h) @ recurrent_kernel[:, c])
    return update * h + (1 - update) * candidate


def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    """x [B, D], h and c [B, U] -> h, c [B, U]; gates i, f, candidate, o."""
    i, f, candidate, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    return sigmoid(o) * np.tanh(c), c


def run(cell, x, states, weights):
    """x [B, T, D] -> outputs [B, T, U], states; ``cell`` as native.recurrent names it."""
    outputs = []
    for t in range(x.shape[1]):
        if cell == "lstm":
            states = lstm_step(x[:, t], *states, *weights)
        else:
            states = (gru_step(x[:, t], *states, *weights, reset_after=cell != "gru"),)
        outputs.append(states[0])
    return np.stack(outputs, axis=1), states
