"""Likelihoods against a tabulated joint distribution."""

import numpy as np
import pytest
from tabulated import KINDS, all_images, log_joint_table, tiny_predictor

from scanline.inference.likelihood import log_likelihoods


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_likelihoods_are_those_of_whole_images(kind):
    model = tiny_predictor(*kind)
    # float32 logits, a sum of 8 terms of a few nats each.
    table = log_joint_table(model)
    np.testing.assert_allclose(log_likelihoods(model, all_images()), table, atol=1e-5)
