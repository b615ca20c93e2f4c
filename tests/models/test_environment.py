"""A Keras that computes otherwise is refused in one line."""

import os
import subprocess
import sys

import keras
import pytest

from scanline.models.environment import check_keras
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor

PIXELS = {"rows": 4, "columns": 4}


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16", "float64"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def test_another_policy_is_refused_by_models_and_files(policy, tmp_path):
    for refused in (
        check_keras,
        lambda: Predictor("gru", 4, 1, PIXELS),
        lambda: load_model(tmp_path / "model.keras", Predictor, None),
    ):
        with pytest.raises(ValueError, match=f"Keras' dtype policy is {policy}; the models need"):
            refused()


def test_keras_own_settings_are_taken():
    check_keras()


def said(code: str, **environment: str) -> str:
    """The last line of standard error of a Python that fails."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def test_another_backend_is_refused():
    line = said("import scanline", KERAS_BACKEND="numpy")
    assert line == "ImportError: KERAS_BACKEND is numpy; the models need tensorflow: unset it"


def test_numbers_of_the_configuration_file_are_looked_at(tmp_path):
    (tmp_path / "keras.json").write_text('{"floatx": "float16", "backend": "tensorflow"}')
    line = said(
        "from scanline.models.environment import check_keras; check_keras()",
        KERAS_HOME=str(tmp_path),
    )
    assert line.startswith("ValueError: Keras' dtype policy is float16; the models need float32")
