"""The literature table: the numbers as they are quoted, ours beside them, no two kinds mixed."""

import pandas as pd
import pytest

from scanline.evaluation import literature

QUOTED = {  # test nats per image
    "mnist-bernoulli": {
        "NADE": 88.86,
        "MADE": 88.04,
        "DARN": 84.13,
        "PixelCNN": 81.30,
        "PixelRNN, diagonal BiLSTM, 1 layer": 80.75,
        "PixelRNN, diagonal BiLSTM, 7 layers": 79.20,
        "LMConv": 77.56,
    },
    "mnist-threshold-0.33": {"keras.io PixelCNN": 65.2},
}


def ours(*lines: tuple) -> pd.DataFrame:
    """Lines of data, model, seed, value; beside each its training split, not to be shown."""
    rows = [
        {"data": data, "task": "predict", "model": model, "seed": seed, "n_parameters": 100,
         "quantity": "nats_per_image", "split_or_hidden": split, "value": value + more,
         "low": value - 1, "high": value + 1}
        for data, model, seed, value in lines
        for split, more in (("test", 0.0), ("train", -9.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return literature.beside_ours(
        ours(
            ("mnist-bernoulli", "gru-64-context", 1, 80.0),
            ("mnist-bernoulli", "gru-64-context", 2, 82.0),
            ("mnist-threshold-0.33", "gru-128-context", 1, 59.0),
            ("mnist-threshold-0.1", "gru-64-context", 1, 58.0),
        )
    )


def test_other_people_s_numbers_are_those_quoted_with_source_and_caveat(tables):
    for data, quoted in QUOTED.items():
        theirs = tables[data][tables[data]["source"] != literature.OURS]
        assert dict(zip(theirs["model"], theirs["nats_per_image"], strict=True)) == quoted
        assert theirs["source"].str.contains(r"20\d\d").all()
        assert theirs["caveat"].str.len().gt(0).all()
    keras_io = tables["mnist-threshold-0.33"].set_index("model").loc["keras.io PixelCNN"]
    assert keras_io["n_parameters"] == 532_673


def test_beside_numbers_on_other_images_than_mnist_s_there_is_no_table():
    # Pixels of other images may have been given a name of MNIST's.
    assert literature.beside_ours(ours(("mnist-bernoulli", "gru-8", 1, 80.0)), "letters") == {}
    assert literature.beside_ours(ours(("mnist-bernoulli", "gru-8", 1, 80.0)), None) == {}


def test_ours_stand_beside_those_of_the_same_pixels_alone_best_first(tables):
    assert set(tables) == set(QUOTED)  # drawn and thresholded pixels share no table
    drawn = tables["mnist-bernoulli"]
    assert drawn["nats_per_image"].is_monotonic_increasing
    mine = drawn[drawn["source"] == literature.OURS]
    assert mine["model"].tolist() == ["gru-64-context"]
    assert mine["caveat"].tolist() == [""]
    assert mine[["nats_per_image", "low", "high"]].to_numpy().tolist() == [[81.0, 80.0, 82.0]]
    thresholded = tables["mnist-threshold-0.33"]
    assert thresholded["model"].tolist() == ["gru-128-context", "keras.io PixelCNN"]
