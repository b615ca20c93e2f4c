"""Forecasts come back from their file as they were, and other files are refused."""

import numpy as np
import pytest

from scanline.files import save_arrays
from scanline.inference.forecast import Forecast, load_forecasts, save_forecasts


def test_forecasts_come_back_from_their_file(tmp_path):
    generator = np.random.default_rng(2)
    forecast = Forecast(
        best=generator.integers(0, 2, (7, 5)).astype(np.uint8),
        marginals=generator.random((7, 5)),
        samples=generator.integers(0, 2, (7, 3, 5)).astype(np.uint8),
        log_prob=-generator.random(7),
    )
    other = forecast._replace(log_prob=np.full(7, np.nan))
    file = tmp_path / "2x2.npz"
    save_forecasts(file, {"polarity": "ink is 1"}, {"exact": forecast, "gibbs": other})
    found, description = load_forecasts(file)
    assert list(found) == ["exact", "gibbs"]
    assert description["polarity"] == "ink is 1"
    for kept, given in zip(found.values(), (forecast, other), strict=True):
        for field, array in given._asdict().items():
            np.testing.assert_array_equal(getattr(kept, field), array)


def test_a_file_without_methods_is_refused(tmp_path):
    file = tmp_path / "2x2.npz"
    save_arrays(file, {"polarity": "ink is 1"}, hidden=np.zeros((7, 5), np.uint8))
    with pytest.raises(ValueError, match=r"2x2\.npz does not name its methods"):
        load_forecasts(file)
