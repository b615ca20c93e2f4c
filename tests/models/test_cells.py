"""The table of cells: every one has a layer, whose weights are laid out as the table says."""

import pytest

from scanline.models import cells
from scanline.models.cells import CELLS, cell_of
from scanline.models.layers import LAYERS
from scanline.models.stack import RecurrentStack


@pytest.mark.parametrize("name", CELLS)
def test_gates_and_states_are_those_of_the_layer(name):
    stack = RecurrentStack(name, 5, 2)
    stack.build((None, None, 1))
    for layer in stack.recurrent_layers:
        assert layer.cell.kernel.shape[1] == 5 * len(CELLS[name].gates)
    assert len(stack.zero_states(3)) == 2 * len(CELLS[name].states)
    assert {*CELLS[name].keep, *CELLS[name].copy} <= set(CELLS[name].gates)


def test_every_cell_has_a_layer(monkeypatch):
    assert CELLS.keys() == LAYERS.keys()
    cells.check()
    monkeypatch.setattr(cells, "CELLS", {**CELLS, "rnn": CELLS["gru"]})
    with pytest.raises(ValueError, match=r"models/layers.py: LAYERS lacks 'rnn', a cell"):
        cells.check()
    monkeypatch.setattr(cells, "CELLS", {"lstm": CELLS["lstm"]})
    with pytest.raises(ValueError, match=r"models/cells.py: CELLS lacks 'gru', a layer"):
        cells.check()


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="cell is 'rnn'; allowed: gru, lstm"):
        cell_of("rnn")
