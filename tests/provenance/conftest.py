"""Fixtures that the tests of tracking share, and those of a study's records."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_study import study_in
from study_copy import Study
from tracking_store import own_environment


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """What the tests of a module set in the environment lasts as long as they do."""
    with own_environment() as patch:
        yield patch


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Study:
    """A small study's results; a test leaves them as they are."""
    return study_in(tmp_path_factory.mktemp("recorded") / "project")


@pytest.fixture
def copied(finished, tmp_path: Path) -> Study:
    """A copy of it that a test may change."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2)
    return Study(folder)
