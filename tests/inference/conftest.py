"""Fixtures that the tests of inference share."""

import pytest
from tabulated import KINDS, tiny_look_ahead, tiny_predictor


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request):
    """A small model of each kind, whose joint distribution can be tabulated."""
    return tiny_predictor(*request.param)


@pytest.fixture(scope="module", params=["alone", "with a look-ahead"])
def look_ahead(request, model):
    """None, or the model's companion, which proposes much that the model does not."""
    return None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)
