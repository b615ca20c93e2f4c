"""A training that came to nothing is not taken for a model."""

from dataclasses import replace

import numpy as np
import pytest
from recipes import recipe

from scanline.data.pixels import PixelSet
from scanline.models.predictor import Predictor
from scanline.training.fit import fit
from scanline.training.objectives import CLASSIFY, PREDICT, Score
from scanline.training.outcome import judge


class Ended:
    """A training's state, as far as it is judged."""

    def __init__(self, objective, losses, accuracy, steps):
        self.epochs = [
            (i + 1, i, "validation", objective.quantity, loss) for i, loss in enumerate(losses)
        ]
        self.best, self.step = Score(min(losses), accuracy), steps


def test_frequencies_of_ink_and_of_classes(pixel_sets):
    train, held_out = pixel_sets["train"], pixel_sets["validation"]
    p = (train.pixels.sum() + 1) / (train.pixels.size + 2)  # Laplace's rule
    q = held_out.pixels.mean()
    rival, score = PREDICT.to_beat(train, held_out)
    assert rival == "predicting frequencies"
    np.testing.assert_allclose(score.nats, -(q * np.log(p) + (1 - q) * np.log(1 - p)))
    assert score.accuracy == max(q, 1 - q)
    counts = np.bincount(train.labels, minlength=10) + 1
    wanted = -np.log(counts / counts.sum())[held_out.labels].mean()
    np.testing.assert_allclose(CLASSIFY.to_beat(train, held_out)[1].nats, wanted)
    # A class that no training image has: one count of Laplace's rule, and none of the images.
    few = replace(train, labels=np.minimum(train.labels, 3).astype(np.uint8))
    unseen = replace(held_out, labels=np.full(len(held_out), 9, np.uint8))
    score = CLASSIFY.to_beat(few, unseen)[1]
    np.testing.assert_allclose(score.nats, np.log(len(train) + 10))
    assert score.accuracy == 0


def judged(pixel_sets, objective, losses, accuracy=0.0, steps=1000):
    state = Ended(objective, losses, accuracy, steps)
    judge(
        state,
        objective,
        recipe(3, "classify" if objective is CLASSIFY else "predict"),
        pixel_sets["train"],
        pixel_sets["validation"],
    )


def test_a_loss_that_grew_tenfold_is_refused(pixel_sets):
    with pytest.raises(ArithmeticError, match=r"grew from 0.1000 to 1.0100: try a lower learning"):
        judged(pixel_sets, PREDICT, [0.3, 0.1, 1.01])
    judged(pixel_sets, PREDICT, [0.3, 0.1, 0.99])


@pytest.mark.parametrize("objective", [PREDICT, CLASSIFY])
def test_worse_than_frequencies_is_refused_after_many_steps(pixel_sets, objective, capsys):
    _, plain = objective.to_beat(pixel_sets["train"], pixel_sets["validation"])
    worse, better = plain.nats * 1.01, plain.nats * 0.99
    with pytest.raises(ArithmeticError, match="worse than predicting frequencies: held-out loss"):
        judged(pixel_sets, objective, [worse])
    assert capsys.readouterr().err == ""
    with pytest.raises(ArithmeticError, match="after 201 steps"):
        judged(pixel_sets, objective, [worse], steps=201)
    judged(pixel_sets, objective, [worse], steps=200)
    assert "worse than predicting frequencies" in capsys.readouterr().err
    judged(pixel_sets, objective, [better])
    assert capsys.readouterr().err == ""


def test_a_classifier_that_reads_more_than_the_most_frequent_class_is_kept(pixel_sets, capsys):
    _, plain = CLASSIFY.to_beat(pixel_sets["train"], pixel_sets["validation"])
    judged(pixel_sets, CLASSIFY, [plain.nats * 2], accuracy=plain.accuracy + 0.1)
    assert capsys.readouterr().err == ""


def test_a_huge_learning_rate_ends_in_one_line(pixel_sets):
    """What the report of a ruined recipe showed: a finite loss, and a useless model."""
    train, held_out = pixel_sets["train"], pixel_sets["validation"]
    model = Predictor("gru", 4, 1, train.identity, seed=1)
    many = PixelSet(np.tile(train.pixels, (8, 1)), np.tile(train.labels, 8), train.description)
    ruined = recipe(30, batch_size=32, learning_rate=1e4)
    with pytest.raises(ArithmeticError, match="learning_rate") as refused:
        fit(model, PREDICT, many, held_out, ruined, label="ruined")
    assert "\n" not in str(refused.value)
