"""Scores of completions against the definitions, written out in loops."""

import math

import numpy as np
import pandas as pd
import pytest

from scanline.evaluation.completions import mean_scores, score_by_image
from scanline.evaluation.intervals import standard_error
from scanline.inference.forecast import Completions


def some_completions() -> Completions:
    generator = np.random.default_rng(0)
    return Completions(
        samples=generator.integers(0, 2, (4, 3, 5)).astype(np.uint8),
        sample_logits=generator.normal(0, 3, (4, 3, 5)).astype(np.float32),
        truth=generator.integers(0, 2, (4, 5)).astype(np.uint8),
        teacher_forced_logits=generator.normal(0, 3, (4, 5)).astype(np.float32),
    )


def nats(logit: float, pixel: int) -> float:
    ink = 1 / (1 + math.exp(-float(logit)))
    return -math.log(ink if pixel else 1 - ink)


@pytest.mark.parametrize("run", [1, 3, 5])
def test_cross_entropies_are_means_over_run_samples_and_images(run):
    given = some_completions()
    scores = mean_scores(score_by_image(given, [run]), samples=3).set_index("quantity")
    own, under, forced = [], [], []
    for n in range(4):
        for pixel in range(run):
            forced.append(nats(given.teacher_forced_logits[n, pixel], given.truth[n, pixel]))
            for s in range(3):
                logit = given.sample_logits[n, s, pixel]
                own.append(nats(logit, given.samples[n, s, pixel]))
                under.append(nats(logit, given.truth[n, pixel]))
    assert scores.value["samples"] == pytest.approx(np.mean(own))
    assert scores.value["ground_truth_under_samples"] == pytest.approx(np.mean(under))
    assert scores.value["ground_truth_teacher_forced"] == pytest.approx(np.mean(forced))
    assert scores.n.to_dict() == {
        "samples": 12,
        "ground_truth_under_samples": 12,
        "ground_truth_teacher_forced": 4,
    }
    assert set(scores.split_or_hidden) == {run}


def test_accuracy_and_diversity_by_image():
    given = some_completions()
    scores = score_by_image(given, [2, 5])
    for line in scores.itertuples():
        drawn = given.samples[line.image, :, : line.hidden_run]
        truth = given.truth[line.image, : line.hidden_run]
        pairs = [(a, b) for a in range(3) for b in range(3) if a != b]
        assert line.accuracy == pytest.approx(np.mean([s == truth for s in drawn]))
        assert line.diversity == pytest.approx(np.mean([drawn[a] != drawn[b] for a, b in pairs]))


def test_one_sample_has_no_diversity():
    given = some_completions()
    one = given._replace(samples=given.samples[:, :1], sample_logits=given.sample_logits[:, :1])
    assert (score_by_image(one, [5]).diversity == 0).all()


def test_extreme_logits_stay_finite():
    given = some_completions()
    sure = given._replace(sample_logits=np.full((4, 3, 5), 1e4, np.float32))
    scores = score_by_image(sure, [5])
    assert np.isfinite(scores.select_dtypes("number")).all().all()


def test_standard_error():
    values = np.array([1.0, 2.0, 4.0])
    assert standard_error(values) == pytest.approx(pd.Series(values).sem())
    assert math.isnan(standard_error(values[:1]))


def test_a_run_longer_than_the_samples_is_refused():
    with pytest.raises(ValueError, match="a hidden run is 6; the samples allow 1 to 5 pixels"):
        score_by_image(some_completions(), [6])
