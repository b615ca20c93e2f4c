"""A pixel's probability by its log-odds, against the formula."""

import math

import numpy as np
import pytest

from scanline.inference.log_odds import log_prob


@pytest.mark.parametrize("logit", [-800.0, -3.0, 0.0, 0.5, 40.0])
def test_a_pixel_s_log_prob_is_that_of_its_odds(logit):
    # log(1 + e^x), written so that nothing overflows.
    paper = -(max(logit, 0) + math.log1p(math.exp(-abs(logit))))
    found = log_prob(np.full((2, 2), logit, np.float32), np.array([[0, 1], [1, 0]], np.uint8))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [[paper, paper + logit], [paper + logit, paper]], atol=1e-12)
