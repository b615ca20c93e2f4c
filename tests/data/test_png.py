"""PNG files of every kind that a drawing program may write, and binarising as a model's pixels."""

import numpy as np
import pytest
from PIL import Image

from scanline.data.binarise import at_threshold, bernoulli_draw, binarised_as
from scanline.data.png import read_intensities, read_mask

GREY = np.random.default_rng(0).integers(0, 256, (5, 7)).astype(np.uint8)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_grey_values_are_the_file_s(tmp_path, mode):
    Image.fromarray(GREY).convert(mode).save(tmp_path / "a.png")
    assert (read_intensities(tmp_path / "a.png", 5, 7) == GREY).all()


def test_one_bit_and_16_bit_files(tmp_path):
    Image.fromarray(GREY > 100).save(tmp_path / "a.png")
    assert (read_intensities(tmp_path / "a.png", 5, 7) == 255 * (GREY > 100)).all()
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "a.png")
    assert (read_intensities(tmp_path / "a.png", 5, 7) == GREY).all()


def test_the_white_pixels_are_hidden(tmp_path):
    Image.fromarray(GREY > 100).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png", 5, 7) == (GREY > 100)).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        read_intensities(tmp_path / "none.png", 5, 7)


def test_pixels_are_made_as_the_model_s():
    description = {"binarise": "threshold", "threshold": 0.33, "seed": None}
    light, dark = ({**description, "polarity": f"ink is {value}"} for value in (1, 0))
    assert (binarised_as(light, GREY) == at_threshold(GREY, 0.33)).all()
    assert (binarised_as(dark, GREY) == 1 - at_threshold(GREY, 0.33)).all()
    drawn = {"binarise": "bernoulli", "threshold": None, "seed": 3, "polarity": "ink is 1"}
    assert (binarised_as(drawn, GREY) == bernoulli_draw(GREY, 3)).all()
