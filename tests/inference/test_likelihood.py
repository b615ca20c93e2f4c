"""Likelihoods against sums by hand and a tabulated joint distribution."""

import math

import numpy as np
import pytest
from tabulated import KINDS, all_images, log_joint_table, tiny_predictor

from scanline.inference.likelihood import log_likelihoods, log_prob


@pytest.mark.parametrize("logit", [-800.0, -3.0, 0.0, 0.5, 40.0])
def test_a_pixel_s_log_prob_is_that_of_its_odds(logit):
    # log(1 + e^x), written so that nothing overflows.
    paper = -(max(logit, 0) + math.log1p(math.exp(-abs(logit))))
    found = log_prob(np.full((2, 2), logit, np.float32), np.array([[0, 1], [1, 0]], np.uint8))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[paper, paper + logit], [paper + logit, paper]], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_likelihoods_are_those_of_whole_images(kind):
    model = tiny_predictor(*kind)
    # float32 logits, a sum of 8 terms of a few nats each.
    table = log_joint_table(model)
    np.testing.assert_allclose(log_likelihoods(model, all_images()), table, atol=1e-5)
