"""A moving picture shows the hole first, and at last what was filled in."""

import numpy as np
import pytest
from PIL import Image
from study_copy import ROOT

from scanline.figures.moving import write_moving
from scanline.figures.pictures import COLOURS, FILLED_INK, FILLED_PAPER, HIDDEN, INK, PAPER


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> list[np.ndarray]:
    """Of an image of 5 x 4, its left half hidden: frames [rows, columns, 3], not enlarged."""
    image = np.zeros((5, 4), np.uint8)
    image[2, 2:] = 1
    hidden = np.zeros((5, 4), bool)
    hidden[:, :2] = True
    samples = np.stack([image, image])
    samples[1, :, :2] = 1
    path = tmp_path_factory.mktemp("moving") / "moving.gif"
    write_moving(path, image, hidden, samples, scale=1)
    shown = []
    with Image.open(path) as moving:
        for number in range(moving.n_frames):
            moving.seek(number)
            shown.append(np.asarray(moving.convert("RGB")))
    return shown


def part(frame: np.ndarray, place: int) -> np.ndarray:
    """The picture at a place of a frame."""
    return frame[2:7, 2 + 6 * place : 6 + 6 * place]


def colours(values: list) -> np.ndarray:
    return (COLOURS(np.array(values))[..., :3] * 255).round().astype(int)


def test_the_first_frame_has_the_hole_in_all_and_the_first_picture_keeps_it(frames):
    row = [HIDDEN, HIDDEN, INK, INK]
    for frame, places in ((frames[0], (0, 1, 2)), (frames[-1], (0,))):
        for place in places:
            assert (part(frame, place)[2] == colours(row)).all()
            assert (part(frame, place)[4] == colours([HIDDEN, HIDDEN, PAPER, PAPER])).all()


def test_a_frame_between_has_the_first_pixels_filled(frames):
    assert len(frames) == 3  # seven of ten pixels, then all
    assert (part(frames[1], 2)[3, :2] == colours([FILLED_INK, HIDDEN])).all()


def test_the_last_frame_has_each_sample(frames):
    assert (part(frames[-1], 1)[:, :2] == colours([FILLED_PAPER] * 2)).all()
    assert (part(frames[-1], 2)[:, :2] == colours([FILLED_INK] * 2)).all()


def test_the_readme_s_picture_is_small():
    assert (ROOT / "docs/results/completing.gif").stat().st_size < 500_000
