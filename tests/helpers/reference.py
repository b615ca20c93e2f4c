"""GRU and LSTM in NumPy, written from equations 1 to 9 of the report: the oracle of the layers.

Weights in Keras' layout; everything in the arrays' own precision, float64 in the tests.
"""

import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def as_it_is(operand):
    return operand


def gru_step(x, h, kernel, recurrent_kernel, bias, reset_after=False, rounded=as_it_is):
    """x [B, D], h [B, U] -> h [B, U]; gates z, r, candidate. Bias [3U], reset after: [2, 3U].

    ``rounded`` is done to what is multiplied, the weights excepted: these come as they shall be.
    """
    units = h.shape[1]
    from_bias, recurrent_bias = bias if reset_after else (bias, np.zeros_like(bias))
    a = rounded(x) @ kernel + from_bias
    z, r, c = slice(0, units), slice(units, 2 * units), slice(2 * units, None)
    update = sigmoid(a[:, z] + rounded(h) @ recurrent_kernel[:, z] + recurrent_bias[z])
    reset = sigmoid(a[:, r] + rounded(h) @ recurrent_kernel[:, r] + recurrent_bias[r])
    if reset_after:
        candidate = np.tanh(
            a[:, c] + reset * (rounded(h) @ recurrent_kernel[:, c] + recurrent_bias[c])
        )
    else:
        candidate = np.tanh(a[:, c] + rounded(reset * h) @ recurrent_kernel[:, c])
    return update * h + (1 - update) * candidate


def lstm_step(x, h, c, kernel, recurrent_kernel, bias, rounded=as_it_is):
    """x [B, D], h and c [B, U] -> h, c [B, U]; gates i, f, candidate, o."""
    i, f, candidate, o = np.split(
        rounded(x) @ kernel + rounded(h) @ recurrent_kernel + bias, 4, axis=1
    )
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
    return sigmoid(o) * np.tanh(c), c


def run(cell, x, states, weights, rounded=as_it_is):
    """x [B, T, D] -> outputs [B, T, U], states; ``cell`` as native.recurrent names it.

    ``rounded`` is done to both operands of every product.
    """
    weights = (rounded(weights[0]), rounded(weights[1]), weights[2])
    outputs = []
    for t in range(x.shape[1]):
        if cell == "lstm":
            states = lstm_step(x[:, t], *states, *weights, rounded=rounded)
        else:
            after = cell != "gru"
            states = (gru_step(x[:, t], *states, *weights, reset_after=after, rounded=rounded),)
        outputs.append(states[0])
    return np.stack(outputs, axis=1), states
