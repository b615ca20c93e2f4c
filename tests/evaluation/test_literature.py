"""The literature table: the numbers as they are quoted, ours beside them, no two kinds mixed."""

import numpy as np
import pandas as pd
import pytest

from scanline.evaluation import literature

QUOTED = {  # test nats per image; of grey pixels the accuracy
    "binarized-mnist": {
        "NADE": 88.86,
        "MADE": 88.04,
        "DARN": 84.13,
        "PixelCNN": 81.30,
        "PixelRNN, diagonal BiLSTM, 1 layer": 80.75,
        "IAF-VAE": 79.88,
        "LSTM, 3 x 512": 79.87,
        "TwinNet, LSTM, 3 x 512": 79.35,
        "PixelRNN, diagonal BiLSTM, 7 layers": 79.20,
        "VLAE": 79.03,
        "PixelVAE with a RealNVP prior": 79.01,
        "BIVA": 78.59,
    },
    "mnist-bernoulli-redrawn": {
        "PixelCNN": 81.45,
        "ImageGPT": 79.17,
        "PixelSNAIL": 78.61,
        "VLAE": 78.53,
        "BIVA": 78.41,
        "PixelCNN++": 78.2,
        "BFN": 77.87,
        "LMConv": 77.56,
        "CR-NVAE": 76.93,
    },
    "mnist-threshold-0.33": {"keras.io PixelCNN": 65.2},
    "mnist-grey": {
        "S4": 0.9963,
        "coRNN": 0.994,
        "UR-LSTM": 0.9928,
        "UR-GRU": 0.9927,
        "IndRNN, 6 x 128": 0.990,
        "JANET": 0.990,
        "LSTM": 0.989,
    },
    "mnist-grey-permuted": {
        "S4": 0.9870,
        "coRNN": 0.973,
        "UR-LSTM": 0.9696,
        "UR-GRU": 0.9651,
        "IndRNN, 6 x 128": 0.960,
        "LSTM": 0.9511,
        "JANET": 0.925,
    },
}


def ours(*lines: tuple, task: str = "predict") -> pd.DataFrame:
    """Lines of data, model, seed, value; beside each its training split, not to be shown."""
    quantity = {"predict": "nats_per_image", "classify": "accuracy"}[task]
    rows = [
        {"data": data, "task": task, "model": model, "seed": seed, "n_parameters": 100,
         "quantity": quantity, "split_or_hidden": split, "value": value + more,
         "low": value - 1, "high": value + 1, "n_images_presented": 1000, "cpu_hours": 0.5}
        for data, model, seed, value in lines
        for split, more in (("test", 0.0), ("train", -9.0))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    numbers = ours(
        ("mnist-bernoulli", "gru-64-context", 1, 80.0),
        ("mnist-bernoulli", "gru-64-context", 2, 82.0),
        ("binarized-mnist", "gru-64-context", 1, 80.5),
        ("mnist-threshold-0.33", "gru-128-context", 1, 59.0),
        ("mnist-threshold-0.1", "gru-64-context", 1, 58.0),
    )
    grey = [("mnist-grey", "gru-128", 1, 0.992), ("mnist-bernoulli", "gru-128", 1, 0.98)]
    both = pd.concat([numbers, ours(*grey, task="classify")])
    return literature.beside_ours(literature.over_seeds(both))


def test_other_people_s_numbers_are_those_quoted_with_source_and_caveat(tables):
    for data, quoted in QUOTED.items():
        theirs = tables[data][tables[data]["source"] != literature.OURS]
        assert dict(zip(theirs["model"], theirs["measured"], strict=True)) == quoted
        assert theirs["source"].str.contains(r"20\d\d").all()
        estimated = theirs["model"].str.contains("VAE|BIVA|VLAE|DARN|BFN")
        assert theirs["caveat"][estimated].str.contains("not the exact likelihood|bound").all()
    keras_io = tables["mnist-threshold-0.33"].set_index("model").loc["keras.io PixelCNN"]
    assert keras_io["n_parameters"] == 532_673
    assert "trained on the other 63,000" in keras_io["caveat"]
    lmconv = tables["mnist-bernoulli-redrawn"].set_index("model").loc["LMConv"]
    assert "8 orders" in lmconv["caveat"]
    assert "trained on all 60,000" in lmconv["caveat"]


def test_beside_numbers_on_other_images_than_mnist_s_there_is_no_table():
    # Pixels of other images may have been given a name of MNIST's.
    mine = literature.over_seeds(ours(("mnist-bernoulli", "gru-8", 1, 80.0)))
    assert literature.beside_ours(mine, "letters") == {}
    assert literature.beside_ours(mine, None) == {}


def test_ours_stand_beside_those_of_the_same_pixels_alone_best_first(tables):
    assert set(tables) == set(QUOTED)  # drawn and thresholded pixels share no table
    drawn = tables["binarized-mnist"]
    assert drawn["measured"].is_monotonic_increasing
    mine = drawn[drawn["source"] == literature.OURS]
    assert mine["model"].tolist() == ["gru-64-context"] * 2
    assert mine["caveat"].tolist() == ["", literature.ANOTHER_DRAW]
    told = mine[["measured", "low", "high"]].to_numpy().tolist()
    assert told == [[80.5, 79.5, 81.5], [81.0, 80.0, 82.0]]
    assert mine["n_seeds"].tolist() == [1, 2]
    assert np.isnan(mine["standard_error"].iloc[0])
    assert mine["standard_error"].iloc[1] == pytest.approx(1.0)  # s.d. of 80 and 82 / sqrt 2
    thresholded = tables["mnist-threshold-0.33"]
    assert thresholded["model"].tolist() == ["gru-128-context", "keras.io PixelCNN"]


def test_of_classifiers_the_most_accurate_stands_first(tables):
    grey = tables["mnist-grey"]
    assert grey["measured"].is_monotonic_decreasing
    places = grey.index[grey["source"] == literature.OURS]
    assert grey["model"][places].tolist() == ["gru-128"]
    assert grey["model"][places - 1].tolist() == ["UR-GRU"]
    assert set(tables["binarized-mnist"]["task"]) == {"predict"}  # no accuracy among likelihoods
