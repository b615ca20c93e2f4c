"""Fixtures that the tests of data share."""

from collections.abc import Iterator

import pytest
from mirror import Server, serving

from scanline.data.published import MNIST_FILES


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of files, for the length of a test."""
    with serving() as server:
        yield server


@pytest.fixture
def raw(idx_folder) -> dict[str, bytes]:
    """The right content of MNIST's four files."""
    return {name: (idx_folder / name).read_bytes() for name in MNIST_FILES}
