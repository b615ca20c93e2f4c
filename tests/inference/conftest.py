"""Fixtures that the tests of inference share."""

import pytest
from tabulated import KINDS, tiny_predictor


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request):
    """A small model of each kind, whose joint distribution can be tabulated."""
    return tiny_predictor(*request.param)
