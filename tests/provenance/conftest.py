"""Fixtures that the tests of tracking share."""

from collections.abc import Iterator

import pytest
from tracking_store import own_environment


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """What the tests of a module set in the environment lasts as long as they do."""
    with own_environment() as patch:
        yield patch
