"""What tests of models share: our layers beside Keras' own."""

import pytest
from keras_twins import PAIRS


@pytest.fixture(params=PAIRS, ids=["gru", "lstm"])
def pair(request):
    """Our layer's class and Keras'."""
    return request.param
