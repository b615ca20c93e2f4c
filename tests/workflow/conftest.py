"""The small study, which takes a minute to run, for all tests that begin with a finished one."""

import os
import shutil
from pathlib import Path

import pytest
from study_copy import Study
from whole_study import finished_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Study:
    """The small study, run to its end: this process's own, which a test leaves as it found it."""
    place: Path = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # of all workers
    once = finished_once(place / "small-study")
    own = tmp_path_factory.mktemp("workflow") / "project"
    shutil.copytree(once.folder, own, copy_function=shutil.copy2, symlinks=True)
    return Study(own)
