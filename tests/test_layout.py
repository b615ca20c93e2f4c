"""The one reader and writer of where a trained model's results lie."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanline.layout import Place, results_of

NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True)


@given(NAMES, NAMES, NAMES, st.integers(0, 2**31), st.lists(NAMES, max_size=2), NAMES)
def test_what_is_written_is_read(data, task, variant, seed, above, stage):
    place = Place(data, task, variant, seed)
    path = PurePosixPath(*above, str(place), stage, "run.json")
    assert Place.of(path) == place
    assert results_of(path) == Path(*above)


def test_a_model_is_named_within_its_data_set():
    place = Place.of("results/mnist/predict/gru-64/seed-3/train")
    assert place == ("mnist", "predict", "gru-64", 3)
    assert place.model == "predict/gru-64/seed-3"


def test_wildcards_stay_what_they_are():
    wild = Place("{data}", "predict", "{variant}", "{seed}")
    assert str(wild) == "{data}/predict/{variant}/seed-{seed}"


@pytest.mark.parametrize(
    "path", ["", "a/b/seed-1", "results/mnist/pixels/train.npz", "d/predict/gru-64/seed-x/train"]
)
def test_another_path_is_no_place(path):
    assert Place.find(path) is None
    with pytest.raises(ValueError, match=r"does not lie in data/task/variant/seed-N/"):
        Place.of(path)
    with pytest.raises(ValueError, match="does not lie in"):
        results_of(path)
