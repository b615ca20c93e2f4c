"""The idx parser: what is written is read back, everything unsound is refused in one line."""

import gzip
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scanline.data.idx import parse_idx, read_idx, write_idx

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, max_side=5))


def content_of(array: np.ndarray) -> bytes:
    """The format, written a second time from its definition."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@given(ARRAYS)
def test_round_trip(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("idx") / "file"
    write_idx(path, array)
    assert path.read_bytes() == content_of(array)
    np.testing.assert_array_equal(read_idx(path, array.ndim), array)


@given(ARRAYS, st.data())
def test_every_truncation_is_refused(array, data):
    content = content_of(array)
    length = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ValueError, match="truncated"):
        parse_idx(content[:length])


@given(ARRAYS, st.binary(min_size=1, max_size=9))
def test_trailing_bytes_are_refused(array, more):
    with pytest.raises(ValueError, match=f"{len(more)} bytes too many"):
        parse_idx(content_of(array) + more)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_an_array_or_a_value_error(content):
    with suppress(ValueError):
        assert content_of(parse_idx(content)) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>", "starts with b'<!DO', not with two zero bytes"),
        (gzip.compress(b"x", mtime=0), "gzip-compressed"),
        (b"\0\0\x0d\1" + struct.pack(">I", 1) + b"abcd", r"0x0d \(float32\); only 0x08"),
        (b"\0\0\x08\0", "no dimensions"),
        (b"\0\0\x08\1" + struct.pack(">I", 0), "empty"),
        (b"\0\0\x08\3" + struct.pack(">III", 2**32 - 1, 2**32 - 1, 2**32 - 1), "truncated"),
    ],
)
def test_unsound_content_is_named(tmp_path, content, message):
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, 1)
    assert str(path) in str(caught.value)


def test_swapped_files_are_refused(tmp_path):
    write_idx(tmp_path / "labels", np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"1 dimension \(labels\); expected 3 dimensions"):
        read_idx(tmp_path / "labels", 3)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(2), "type float64"),
        (np.zeros((0, 2), np.uint8), "at least one value"),
        (np.array(3, np.uint8), "at least one value"),
    ],
)
def test_what_cannot_be_read_is_not_written(tmp_path, array, message):
    with pytest.raises(ValueError, match=message):
        write_idx(tmp_path / "file", array)
    assert not (tmp_path / "file").exists()
