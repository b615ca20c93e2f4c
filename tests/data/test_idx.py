"""The idx parser: what is written is read back, everything unsound is refused in one line."""

import gzip
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scanline.data.idx import parse_idx, read_images, read_labels, read_shape, write_idx

SHAPES = hnp.array_shapes(max_dims=4, max_side=5)
ARRAYS = hnp.arrays(np.uint8, SHAPES)
CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
OF_ANY_TYPE = st.sampled_from(list(CODES)).flatmap(lambda kind: hnp.arrays(kind, SHAPES))


def content_of(array: np.ndarray) -> bytes:
    """The format, written a second time from its definition."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    values = array.astype(array.dtype.newbyteorder(">")).tobytes()
    return bytes([0, 0, CODES[array.dtype.name], array.ndim]) + sizes + values


@given(ARRAYS)
def test_round_trip(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("idx") / "file"
    write_idx(path, array)
    assert path.read_bytes() == content_of(array)
    np.testing.assert_array_equal(parse_idx(path.read_bytes()), array)


@given(OF_ANY_TYPE)
def test_values_of_every_type_are_read(array):
    found = parse_idx(content_of(array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@given(OF_ANY_TYPE, st.booleans())
def test_a_header_tells_the_shape_raw_or_compressed(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(content_of(array)) if packed else content_of(array))
    assert read_shape(path) == array.shape


def test_labels_may_be_the_first_of_several_columns(tmp_path):
    labels = np.array([[3, 0, 2001], [9, 0, 2002]], np.int32)  # as QMNIST's
    (tmp_path / "labels.gz").write_bytes(gzip.compress(content_of(labels)))
    assert read_labels(tmp_path / "labels.gz").tolist() == [3, 9]


@given(OF_ANY_TYPE, st.data())
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
        found = parse_idx(content)
        if found.dtype.kind in "iu":  # a float's NaN has many bits
            assert content_of(found) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>", "it starts with b'<!DOCTYPE html>'"),
        (b"digits, by pixels", "starts with b'digi', not with two zero bytes"),
        (gzip.compress(b"x", mtime=0), "it has 1 bytes, too few for a header"),
        (b"\0\0\x0a\1" + struct.pack(">I", 1) + b"abcd", r"0x0a; allowed: 0x08 \(uint8\)"),
        (b"\0\0\x08\0", "no dimensions"),
        (b"\0\0\x08\1" + struct.pack(">I", 0), "empty"),
        (b"\0\0\x08\3" + struct.pack(">III", 2**32 - 1, 2**32 - 1, 2**32 - 1), "truncated"),
    ],
)
def test_unsound_content_is_named(tmp_path, content, message):
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


def test_swapped_files_are_refused(tmp_path):
    write_idx(tmp_path / "labels", np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=r"1 dimension \(labels\); expected 3 dimensions"):
        read_images(tmp_path / "labels")
    write_idx(tmp_path / "columns", np.zeros((3, 2), np.uint8))
    with pytest.raises(ValueError, match=r"2 dimensions \(labels in columns\); expected 3 dim"):
        read_images(tmp_path / "columns")
    for shape, told in (((3, 2, 2), r"3 dimensions \(images\)"), ((3, 2, 2, 1), "4 dimensions")):
        write_idx(tmp_path / "images", np.zeros(shape, np.uint8))
        with pytest.raises(ValueError, match=rf"{told}; expected 1 dimension \(labels\)"):
            read_labels(tmp_path / "images")


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
