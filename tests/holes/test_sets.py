"""Rows of docs/bad-input.md about hidden pixels: outside the image, none, all."""

import numpy as np
import pytest
from refusals import Cases, command

cases = Cases()


@cases.add
def hidden_cut_outside(study):
    return study.hide(cut=16, runs=1)


@cases.add
def hidden_run_outside(study):
    return study.hide(cut=9, runs=8)


@cases.add
def hidden_patch_outside(study):
    test = study.pixels / "test.npz"
    return command("hide_patches", test=test, holes="5x5", images=5, out=study.out)


@cases.add
def hidden_none(study):
    return study.hide(cut=9, runs=0)


@cases.add
def hidden_all(study):
    return study.hide(cut=0, runs=16)


@cases.add
def patches_outside(study):
    return study.infer(np.full((24, 1), 16))


@cases.add
def patches_none(study):
    return study.infer(np.zeros((24, 0)))


@cases.add
def patches_all(study):
    return study.infer(np.tile(np.arange(16), (24, 1)))


@pytest.mark.parametrize("name", sorted(cases))
def test_refused(name, study, capfd):
    cases.check(name, study, capfd)
