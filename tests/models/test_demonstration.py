"""The demonstrations of section 1.1: their proven bounds hold on the real layers."""

import numpy as np
import pandas as pd
import pytest

from demonstrate_cells import demonstrate_cells
from scanline.models.cells import CELLS
from scanline.models.demonstration import (
    COLUMNS,
    Drawn,
    Layer,
    copying_error,
    demonstrate,
    imitation_error,
    keeping_error,
)

STEPS = 24
DRAWN = Drawn(sequences=32, steps=STEPS, seed=3)
SMALL = {"gate_biases": (0.0,), "steps": 5, "units": 2, "sequences": 32, "seed": 0}
# Each of the steps rounds a value below 2 to float32: half a unit in the last place, 1.2e-7.
ROUNDING = STEPS * 1.2e-7


@pytest.fixture(scope="module", params=CELLS)
def layer(request) -> Layer:
    return Layer(request.param, 3)


@pytest.mark.parametrize("bias", [0.0, 4.0, 12.0, 20.0])
@pytest.mark.parametrize("error_of", [keeping_error, copying_error])
def test_error_stays_below_its_bound(layer, error_of, bias):
    error, bound = error_of(layer, bias, DRAWN)
    assert error <= bound + ROUNDING


def test_bounds_are_the_module_s(layer):
    """(1 - sigma(b)**T) (1 + max|start|), of which max|start| is within 0 and 1; 2 sigma(-b)."""
    sigma = 1 / (1 + np.exp(-4.0))
    _, of_keeping = keeping_error(layer, 4.0, DRAWN)
    assert 1.5 < of_keeping / (1 - sigma**STEPS) < 2
    _, of_copying = copying_error(layer, 4.0, DRAWN)
    assert of_copying == pytest.approx(2 * (1 - sigma))


class Seen(Layer):
    """Keeps what it was run on."""

    def run(self, weights, inputs, start):
        self.weights, self.inputs = weights, inputs
        return super().run(weights, inputs, start)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_is_kept_over_random_pixels_by_random_weights(cell):
    """Weights of 1 over the input, of 1 / sqrt(units) over the state; of the open gates none."""
    layer, units = Seen(cell, 60), 60
    keeping_error(layer, 3.0, DRAWN)
    assert layer.inputs.shape == (32, STEPS, 1)
    assert 0.4 < layer.inputs.mean() < 0.6
    assert set(np.unique(layer.inputs)) == {0, 1}
    gates, keep = CELLS[cell].gates, CELLS[cell].keep
    kernel, recurrent, biases = (each.reshape(-1, len(gates), units) for each in layer.weights)
    for place, gate in enumerate(gates):
        assert set(biases[0, place]) == {3.0 * keep.get(gate, 0)}
        if gate in keep:
            assert not kernel[:, place].any()
            assert not recurrent[:, place].any()
        else:  # 5 standard errors of a deviation
            assert kernel[:, place].std() == pytest.approx(1, rel=5 / 120**0.5)
            assert recurrent[:, place].std() == pytest.approx(60**-0.5, rel=5 / 7200**0.5)
    outputs = Layer(cell, 60).run(layer.weights, layer.inputs, [np.zeros((32, 60))] * 2)
    assert {each.dtype for each in outputs} == {np.dtype(np.float64)}


@pytest.mark.parametrize("error_of", [keeping_error, copying_error])
def test_error_falls_like_the_open_gate(layer, error_of):
    """Ten more of bias make the gate exp(10) times smaller, and the error with it."""
    little, much = (error_of(layer, bias, DRAWN)[0] for bias in (5.0, 10.0))
    # sigma(-5) / sigma(-10) is exp(5) / 1.0067; keeping is not quite linear in it (24 steps).
    assert little / much == pytest.approx(np.exp(5), rel=0.15)


def test_gru_keeps_its_state_exactly_where_the_gate_rounds_to_one():
    assert keeping_error(Layer("gru", 2), 20.0, DRAWN)[0] == 0


def test_no_lstm_comes_near_the_report_gru():
    """The distance levels off; random LSTMs, in NumPy from equations 1 to 5, are no nearer."""
    layers = {cell: Layer(cell, 1) for cell in CELLS}
    floor = imitation_error(layers, 20.0)
    assert imitation_error(layers, 10.0) == pytest.approx(floor, rel=0.01)
    x = np.linspace(-9, 7, 401)
    generator = np.random.default_rng(0)
    # 2,000 near the best setting (o = 1, i = 0.55, w = b_c = 0.92), where a nearer one would be.
    for b_o, w_i, b_i, w_c, b_c in generator.normal(
        (8, 0, 0.2, 0.92, 0.92), (4, 0.05, 0.2, 0.1, 0.05), (2000, 5)
    ):
        c = np.tanh(w_c * x + b_c) / (1 + np.exp(-w_i * x - b_i))
        h = np.tanh(c) / (1 + np.exp(-b_o))
        # The layers' 1,601 points and the finite search leave 2 % of the floor.
        assert np.abs(h - np.tanh(x + 1) / 2).max() > 0.98 * floor


def test_script_writes_both_tables(tmp_path):
    demonstrate_cells(**(SMALL | {"gate_biases": (0.0, 8.0)}), out=tmp_path)
    table = pd.read_csv(tmp_path / "demonstration.csv")
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 2 * 5
    short = pd.read_csv(tmp_path / "cells.csv")
    assert (short.error_at_largest_bias < short.error_at_least_bias).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate_biases": (-1.0,)}, "gate_biases is .*; allowed: numbers, 0 and above"),
        ({"gate_biases": (float("nan"),)}, "gate_biases is"),
        ({"sequences": 1}, "sequences is 1; allowed: 2 and above"),
        ({"steps": 0}, "steps is 0 and units is 2; allowed: 1 and above"),
    ],
)
def test_bad_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        demonstrate_cells(**(SMALL | settings), out=tmp_path)


def test_one_unit_and_one_step_are_enough():
    table = demonstrate(gate_biases=(2.0,), steps=1, units=1, sequences=2, seed=0)
    assert len(table) == 5
    assert table["error"].gt(0).all()
