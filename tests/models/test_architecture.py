"""What a model is made of where nothing else is said: as the models that are shipped."""

from dataclasses import asdict

import numpy as np
import pytest

from scanline.catalogue import pretrained
from scanline.models.architecture import LookAheadArchitecture, PredictorArchitecture
from scanline.models.classifier import Classifier
from scanline.models.loading import load_model
from scanline.models.look_ahead import LookAhead
from scanline.models.predictor import Predictor

SHIPPED = pretrained() / "mnist-threshold-0.1"
PIXELS = {"rows": 2, "columns": 4}


def test_a_companion_is_as_large_as_the_one_that_is_shipped():
    path = SHIPPED / "look_ahead/gru-64-context/seed-1/model.keras"
    shipped = load_model(path, LookAhead, None).settings
    assert asdict(LookAheadArchitecture()).items() <= shipped.items()


def test_a_context_reaches_as_far_as_that_of_the_models_that_are_shipped():
    path = SHIPPED / "predict/gru-64-context/seed-1/model.keras"
    assert load_model(path, Predictor, None).settings["radius"] == PredictorArchitecture.radius


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(Predictor, ("gru", 3, 1)), (Classifier, ("gru", 3, 1)), (LookAhead, (3, ""))],
)
def test_first_weights_are_drawn_from_seed_0_where_no_other_is_said(kind, shape):
    unsaid, said, other = (
        kind(*shape, PIXELS, **seed).get_weights() for seed in ({}, {"seed": 0}, {"seed": 1})
    )
    for ours, theirs in zip(unsaid, said, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert any((ours != theirs).any() for ours, theirs in zip(unsaid, other, strict=True))
