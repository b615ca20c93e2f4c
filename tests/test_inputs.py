"""What a step reads: against loops over the image, and nothing of its own pixel or later."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from scanline.inputs import KINDS, NEIGHBOURHOOD, PixelInputs, neighbour_indices

SIZES = [(2, 4), (3, 5), (5, 3), (1, 6), (6, 1)]  # rows, columns


@pytest.fixture(params=SIZES, ids=lambda size: "x".join(map(str, size)))
def size(request):
    return request.param


@pytest.fixture(params=KINDS)
def inputs(request, size):
    return PixelInputs(request.param, *size)


def draw(inputs: PixelInputs, batch: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (batch, inputs.size)).astype(np.uint8)


def of_all_steps(inputs: PixelInputs, pixels: np.ndarray) -> np.ndarray:
    return inputs.between(tf.constant(pixels), 0, inputs.size).numpy()


def looked_up(kind: str, image: np.ndarray, row: int, column: int) -> list[float]:
    """The inputs of one step, picked from an image [rows, columns] pixel by pixel."""
    rows, columns = image.shape
    before = image.ravel()[row * columns + column - 1] if row or column else 0
    if kind == "previous":
        return [before]
    around = []
    for down, right in NEIGHBOURHOOD:
        r, c = row + down, column + right
        around.append(image[r, c] if r >= 0 and 0 <= c < columns else 0)
    place = [float(r == row) for r in range(rows)] + [float(c == column) for c in range(columns)]
    return [before, *around, *place]


def test_inputs_are_those_that_a_loop_over_the_image_finds(inputs, size):
    pixels = draw(inputs)
    found = of_all_steps(inputs, pixels)
    assert found.dtype == np.float32
    assert found.shape == (4, inputs.size, inputs.width)
    for n, (row, column) in itertools.product(range(4), np.ndindex(size)):
        wanted = looked_up(inputs.kind, pixels[n].reshape(size), row, column)
        assert found[n, row * size[1] + column].tolist() == wanted


def test_neighbours_are_those_that_a_loop_finds(size):
    indices = neighbour_indices(*size)
    rows, columns = size
    assert indices.shape == (rows * columns, 1 + len(NEIGHBOURHOOD))
    for row, column in np.ndindex(size):
        expected = [row * columns + column]  # the pixel before, counted from 1
        for down, right in NEIGHBOURHOOD:
            r, c = row + down, column + right
            expected.append(r * columns + c + 1 if r >= 0 and 0 <= c < columns else 0)
        assert list(indices[row * columns + column]) == expected


def test_no_neighbour_is_a_step_s_own_pixel_or_a_later_one():
    own = 0, 0
    assert len(set(NEIGHBOURHOOD)) == len(NEIGHBOURHOOD)
    assert all(offset < own for offset in NEIGHBOURHOOD)  # in raster order


def test_a_pixel_changes_no_input_up_to_its_own_step_and_the_next_one_s(inputs):
    pixels = draw(inputs)
    found = of_all_steps(inputs, pixels)
    for t in range(inputs.size):
        changed = pixels.copy()
        changed[:, t:] = 1 - changed[:, t:]
        again = of_all_steps(inputs, changed)
        np.testing.assert_array_equal(again[:, : t + 1], found[:, : t + 1])
        if t + 1 < inputs.size:
            assert (again[:, t + 1, 0] != found[:, t + 1, 0]).all()


def test_reach_is_the_earliest_pixel_that_any_step_reads(inputs):
    pixels = np.zeros((1, inputs.size), np.uint8)
    found = of_all_steps(inputs, pixels)
    farthest = 0
    for i in range(inputs.size):
        changed = pixels.copy()
        changed[:, i] = 1
        steps = np.flatnonzero((of_all_steps(inputs, changed) != found).any(axis=(0, 2)))
        farthest = max(farthest, *(steps - i), 0)
    assert inputs.reach == farthest


def test_outside_the_image_is_the_start_token_whatever_the_pixels():
    """In an image of ink alone a step reads as many ones as it has seen neighbours inside."""
    inputs = PixelInputs("context", 3, 5)
    found = of_all_steps(inputs, np.ones((1, 15), np.uint8))[0]
    assert found[0, :10].tolist() == [0] * 10  # nothing has been seen
    for t, (row, column) in enumerate(np.ndindex(3, 5)):
        inside = [
            (row + down, column + right)
            for down, right in NEIGHBOURHOOD
            if row + down >= 0 and 0 <= column + right < 5
        ]
        assert found[t, 1:10].sum() == len(inside)
        assert found[t, 0] == (t > 0)


def test_the_place_is_one_row_and_one_column():
    found = of_all_steps(PixelInputs("context", 3, 5), np.ones((2, 15), np.uint8))[1, :, 10:]
    assert found.sum(axis=1).tolist() == [2] * 15
    assert found[:, :3].argmax(axis=1).tolist() == [t // 5 for t in range(15)]
    assert found[:, 3:].argmax(axis=1).tolist() == [t % 5 for t in range(15)]


def test_pieces_of_any_length_are_pieces_of_the_whole(inputs):
    pixels = draw(inputs)
    whole = of_all_steps(inputs, pixels)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)] * 2)
    def between(start, stop):
        return inputs.between(tf.constant(pixels), start, stop)

    for start, stop in itertools.combinations(range(inputs.size + 1), 2):
        np.testing.assert_array_equal(between(start, stop), whole[:, start:stop])
    np.testing.assert_array_equal(inputs.between(tf.constant(pixels), 1, 3), whole[:, 1:3])


def test_one_step_reads_what_the_whole_reads_there_and_none_of_the_rows_after(inputs):
    pixels = draw(inputs)
    whole = of_all_steps(inputs, pixels)
    seen = np.concatenate([np.zeros((1, 4), np.uint8), pixels.T])
    at = tf.function(
        inputs.at, input_signature=[tf.TensorSpec([None, 4], tf.uint8), tf.TensorSpec([], tf.int32)]
    )
    for t in range(inputs.size):
        known = seen.copy()
        known[t + 1 :] = 77
        found = at(known, t)
        assert found.dtype == tf.float32
        np.testing.assert_array_equal(found, whole[:, t])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="inputs is 'next'; allowed: previous, context"):
        PixelInputs("next", 2, 4)
