"""Equal models give equal files, whenever they are written; another weight gives another file."""

import json
import zipfile

import keras
import numpy as np
import pytest

from scanline.models.classifier import Classifier
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor
from scanline.models.saving import DATE, SAVED, save_model


@pytest.mark.parametrize("kind", [Predictor, Classifier])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_file_is_the_model_s_alone(pixel_sets, tmp_path, kind, cell):
    identity = pixel_sets["train"].identity
    paths = [tmp_path / f"{number}.keras" for number in range(3)]
    for path in paths:
        keras.backend.clear_session()  # as in a process of its own
        model = kind(cell, 4, 2, identity, seed=3)
        if path == paths[-1]:
            model.weights[-1].assign(model.weights[-1] + 1)
        save_model(model, path)
    one, again, other = (path.read_bytes() for path in paths)
    assert one == again
    assert one != other
    with zipfile.ZipFile(paths[0]) as file:
        assert {info.date_time for info in file.infolist()} == {DATE}
        assert zipfile.ZipInfo().date_time == DATE  # the earliest
        assert json.loads(file.read("metadata.json"))["date_saved"] == SAVED
    loaded = load_model(paths[2], kind, identity)
    for mine, kept in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), kept.numpy())
