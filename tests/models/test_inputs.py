"""What a step reads: against loops over the image, and nothing of its own pixel or later."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from scanline.models.inputs import PixelInputs, neighbour_indices, neighbourhood

SIZES = [(2, 4), (3, 5), (5, 3), (1, 6), (6, 1)]  # rows, columns


@pytest.fixture(params=SIZES, ids=lambda size: "x".join(map(str, size)))
def size(request):
    return request.param


@pytest.fixture(params=[("previous", 1), ("context", 1), ("context", 2), ("context", 3)], ids=str)
def inputs(request, size):
    kind, radius = request.param
    return PixelInputs(kind, *size, radius)


def draw(inputs: PixelInputs, batch: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (batch, inputs.size)).astype(np.uint8)


def of_all_steps(inputs: PixelInputs, pixels: np.ndarray) -> np.ndarray:
    return inputs.between(tf.constant(pixels), 0, inputs.size).dense().numpy()


def around(image: np.ndarray, row: int, column: int, radius: int) -> list[float]:
    """The pixels before the one at (row, column) within ``radius``, but for the one before it."""
    found = []
    for r in range(row - radius, row + 1):
        for c in range(column - radius, column + radius + 1):
            if r < row or c < column - 1:
                inside = r >= 0 and 0 <= c < image.shape[1]
                found.append(float(image[r, c]) if inside else 0.0)
    return found


def looked_up(kind: str, image: np.ndarray, row: int, column: int, radius: int) -> list[float]:
    """The inputs of one step, picked from an image [rows, columns] pixel by pixel."""
    rows, columns = image.shape
    before = image.ravel()[row * columns + column - 1] if row or column else 0
    if kind == "previous":
        return [before]
    place = [float(r == row) for r in range(rows)] + [float(c == column) for c in range(columns)]
    return [before, *around(image, row, column, radius), *place]


def test_inputs_are_those_that_a_loop_over_the_image_finds(inputs, size):
    pixels = draw(inputs)
    found = of_all_steps(inputs, pixels)
    assert found.dtype == np.float32
    assert found.shape == (4, inputs.size, inputs.width)
    for n, (row, column) in itertools.product(range(4), np.ndindex(size)):
        wanted = looked_up(inputs.kind, pixels[n].reshape(size), row, column, inputs.radius)
        assert found[n, row * size[1] + column].tolist() == wanted


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_neighbours_are_those_that_a_loop_finds(size, radius):
    indices = neighbour_indices(*size, radius)
    rows, columns = size
    numbers = np.arange(1, rows * columns + 1).reshape(size)  # a pixel's index, counted from 1
    for row, column in np.ndindex(size):
        before = row * columns + column
        expected = [before, *around(numbers, row, column, radius)]
        assert list(indices[row * columns + column]) == expected


@pytest.mark.parametrize("radius", [1, 2, 4])
def test_no_neighbour_is_a_step_s_own_pixel_or_a_later_one(radius):
    offsets = neighbourhood(radius)
    assert len(set(offsets)) == len(offsets)
    assert all(offset < (0, -1) for offset in offsets)  # in raster order; (0, -1): an input itself
    assert len(offsets) == radius * (2 * radius + 1) + radius - 1


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
    inputs = PixelInputs("context", 3, 5, radius=1)
    found = of_all_steps(inputs, np.ones((1, 15), np.uint8))[0]
    assert found[0, :4].tolist() == [0] * 4  # nothing has been seen
    for t, (row, column) in enumerate(np.ndindex(3, 5)):
        above = [c for c in range(column - 1, column + 2) if row and 0 <= c < 5]
        assert found[t, 1:4].sum() == len(above)
        assert found[t, 0] == (t > 0)


def test_the_place_is_one_row_and_one_column():
    found = of_all_steps(PixelInputs("context", 3, 5, 1), np.ones((2, 15), np.uint8))[1, :, 4:]
    assert found.sum(axis=1).tolist() == [2] * 15
    assert found[:, :3].argmax(axis=1).tolist() == [t // 5 for t in range(15)]
    assert found[:, 3:].argmax(axis=1).tolist() == [t % 5 for t in range(15)]
    assert found.max() == 1


def test_tables_are_what_the_steps_read(inputs):
    """For programs that read by tables: sources and places make the inputs."""
    sources, places = inputs.tables
    pixels = draw(inputs)
    shifted = np.pad(pixels, [(0, 0), (1, 0)])
    told = [np.concatenate([each[sources], places], axis=1) for each in shifted]
    np.testing.assert_array_equal(of_all_steps(inputs, pixels), told)


def test_pieces_of_any_length_are_pieces_of_the_whole(inputs):
    pixels = draw(inputs)
    whole = of_all_steps(inputs, pixels)

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)] * 2)
    def between(start, stop):
        return inputs.between(tf.constant(pixels), start, stop).dense()

    for start, stop in itertools.combinations(range(inputs.size + 1), 2):
        np.testing.assert_array_equal(between(start, stop), whole[:, start:stop])
    np.testing.assert_array_equal(inputs.between(tf.constant(pixels), 1, 3).dense(), whole[:, 1:3])


def test_one_step_reads_what_the_whole_reads_there_and_none_of_the_rows_after(inputs):
    pixels = draw(inputs)
    whole = of_all_steps(inputs, pixels)
    seen = np.concatenate([np.zeros((1, 4), np.uint8), pixels.T])
    at = tf.function(
        lambda seen, t: inputs.at(seen, t).dense()[:, 0],
        input_signature=[tf.TensorSpec([None, 4], tf.uint8), tf.TensorSpec([], tf.int32)],
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


def test_a_radius_below_1_is_refused():
    with pytest.raises(ValueError, match="radius is 0; allowed: 1 and above"):
        PixelInputs("context", 2, 4, radius=0)
