"""Every two models compared, from the ranking of their own values."""

import numpy as np
import pytest

from scanline.evaluation.comparisons import comparisons
from scanline.evaluation.image_values import Number


def number(model: str, quantity: str, task: str = "predict", seed: int = 1) -> Number:
    return Number(task, model, seed, quantity, "test")


@pytest.fixture
def values() -> dict[Number, np.ndarray]:
    generator = np.random.default_rng(1)
    hard = generator.normal(70, 20, 50)
    found = {
        number(model, "nats_per_image"): hard + more + generator.normal(0, 0.5, 50)
        for model, more in (("middle", 1.0), ("best", 0.0), ("worst", 3.0))
    }
    right = {"unsure": 0.6, "sure": 0.95, "guessing": 0.2}
    found |= {
        number(model, "accuracy", "classify"): (generator.random(50) < share).astype(float)
        for model, share in right.items()
    }
    return found | {number("best", "bits_per_image"): hard}


def test_models_are_compared_with_all_better_ones_from_the_second_best_to_the_worst(values):
    table = comparisons(values)
    of_predictors = table[table["task"] == "predict"]
    pairs = list(zip(of_predictors["model"], of_predictors["other"], strict=True))
    assert pairs == [("middle", "best"), ("worst", "middle"), ("worst", "best")]
    of_classifiers = table[table["task"] == "classify"]
    pairs = list(zip(of_classifiers["model"], of_classifiers["other"], strict=True))
    assert pairs == [("unsure", "sure"), ("guessing", "unsure"), ("guessing", "sure")]
    assert set(of_predictors["quantity"]) == {"nats_per_image"}
    assert set(of_classifiers["quantity"]) == {"accuracy"}


def test_a_difference_is_the_model_s_minus_the_better_one_s(values):
    for line in comparisons(values).itertuples():
        mine = values[number(line.model, line.quantity, line.task)]
        better = values[number(line.other, line.quantity, line.task)]
        assert line.difference == pytest.approx(np.mean(mine - better))
        assert line.low <= line.difference <= line.high
        assert line.n == 50
        assert (line.difference > 0) == (line.task == "predict")
        assert line.test == {"predict": "paired t", "classify": "McNemar exact"}[line.task]
        assert line.p < 0.01


def test_models_of_one_seed_are_compared(values):
    more = {name._replace(seed=2): numbers + 1 for name, numbers in values.items()}
    table = comparisons(values | more)
    assert table.groupby("seed").size().to_dict() == {1: 6, 2: 6}


def test_without_values_there_is_no_line():
    table = comparisons({})
    assert table.empty
    assert {"model", "other", "difference", "low", "high", "p"} <= set(table.columns)
