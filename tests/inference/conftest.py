"""Fixtures that the tests of inference share."""

from functools import cache

import pytest
from tabulated import KINDS, tiny_look_ahead, tiny_predictor

shared_predictor = cache(tiny_predictor)  # by all modules: what is compiled for it takes seconds


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request):
    """A small model of each kind, whose joint distribution can be tabulated."""
    return shared_predictor(*request.param)


@pytest.fixture(scope="module", params=["alone", "with a look-ahead"])
def look_ahead(request, model):
    """None, or the model's companion, which proposes much that the model does not."""
    return None if request.param == "alone" else tiny_look_ahead(model, spread=0.5)
