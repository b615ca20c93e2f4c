"""Every test of a figure draws in the study's style, and leaves no figure open."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from scanline.figures import style


@pytest.fixture(autouse=True)
def _drawing():
    with matplotlib.rc_context():
        style.use()
        yield
    plt.close("all")
