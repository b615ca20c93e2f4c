"""Images from files of four kinds, and what is refused, by the file's name."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imsave
from PIL import Image

from scanline.data.binarise import at_threshold
from scanline.data.idx import write_idx
from scanline.data.image_files import read_pixels
from scanline.data.pixels import save_pixels
from scanline.files import save_arrays

GREY = np.random.default_rng(1).integers(0, 256, (3, 4, 4)).astype(np.uint8)
WANTED = at_threshold(GREY.reshape(3, 16), 0.1)


@pytest.fixture
def kind(pixel_set) -> dict:
    """A model's pixels: 4 x 4, threshold 0.1."""
    return pixel_set.identity


def test_the_same_images_from_every_kind_of_file(tmp_path, kind):
    np.save(tmp_path / "a.npy", GREY)
    np.savez(tmp_path / "alone.npz", GREY)
    np.savez(tmp_path / "named.npz", images=GREY, labels=np.arange(3))
    save_arrays(tmp_path / "described.npz", {"of": "nothing"}, images=WANTED)
    write_idx(tmp_path / "images-idx3-ubyte", GREY)
    raw = (tmp_path / "images-idx3-ubyte").read_bytes()
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(raw))
    for path in filter(Path.is_file, sorted(tmp_path.iterdir())):
        np.testing.assert_array_equal(read_pixels(path, kind).pixels, WANTED, err_msg=path.name)
    imsave(tmp_path / "a.png", GREY[0], cmap="gray", vmin=0, vmax=255)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png", kind).pixels, WANTED[:1])


def test_a_study_s_pixels_are_read_where_they_are_the_model_s(tmp_path, pixel_set, kind):
    save_pixels(tmp_path / "test.npz", pixel_set)
    read = read_pixels(tmp_path / "test.npz", kind)
    np.testing.assert_array_equal(read.pixels, pixel_set.pixels)
    assert not read.fitted
    with pytest.raises(ValueError, match=r"test\.npz: these are a study's pixels"):
        read_pixels(tmp_path / "test.npz", kind, "dark")
    line = r"test\.npz: the model belongs to other pixels .*threshold is 0\.5 there and 0\.1 here"
    with pytest.raises(ValueError, match=line):
        read_pixels(tmp_path / "test.npz", kind | {"threshold": 0.5})
    with pytest.raises(ValueError, match="source is 'elsewhere' there and 'generated' here"):
        read_pixels(tmp_path / "test.npz", kind | {"source": "elsewhere"})
    elsewhere = kind | {"source": "elsewhere", "classes": 12}
    assert len(read_pixels(tmp_path / "test.npz", elsewhere, other_data=True).pixels) == 24
    assert len(read_pixels(tmp_path / "test.npz", kind, classes=True).pixels) == len(pixel_set)
    line = r"test\.npz: the model tells 12 classes apart and these images have 10"
    with pytest.raises(ValueError, match=line):
        read_pixels(tmp_path / "test.npz", kind | {"classes": 12}, classes=True)


def test_a_grey_model_gets_grey_pixels_in_raster_order(tmp_path, grey_sets):
    """Of a picture, of an array, and of a study's pixels; those of another order are refused."""
    grey_set, kind = grey_sets["test"], grey_sets["train"].identity
    save_pixels(tmp_path / "test.npz", grey_set)
    np.testing.assert_array_equal(read_pixels(tmp_path / "test.npz", kind).pixels, grey_set.pixels)
    np.save(tmp_path / "a.npy", GREY)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.npy", kind).pixels, GREY.reshape(3, 16))
    imsave(tmp_path / "a.png", GREY[0], cmap="gray", vmin=0, vmax=255)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png", kind).pixels[0], GREY[0].ravel())
    with pytest.raises(ValueError, match="order is 'raster' there and 'permuted' here"):
        read_pixels(tmp_path / "test.npz", kind | {"order": "raster"}, other_data=True)


def test_what_is_refused(tmp_path, kind):
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    np.savez(tmp_path / "two.npz", a=GREY, b=GREY)
    np.save(tmp_path / "large.npy", np.zeros((2, 5, 5)))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    lines = {
        "broken.npz": "broken.npz is not a readable NumPy file of arrays",
        "two.npz": "two.npz holds a, b; name the array of images 'images'",
        "large.npy": "large.npy: images has shape (2, 5, 5); allowed: [N, 4, 4] or [N, 16]",
        "objects.npy": "objects.npy is not a readable NumPy file of arrays (Object arrays cannot",
        "picture.jpg": "picture.jpg is not a readable picture (",
    }
    for name, line in lines.items():
        with pytest.raises(ValueError, match=re.escape(line)):
            read_pixels(tmp_path / name, kind)
    with pytest.raises(FileNotFoundError):
        read_pixels(tmp_path / "nowhere.npy", kind)


VALUES = {
    "0 and 1": lambda image: image.astype(np.uint8),
    "255": lambda image: image.astype(np.uint8) * 255,
    "16 bits": lambda image: image.astype(np.uint16) * 65535,
    "32 bits": lambda image: image.astype(np.int32) * 255,
    "fractions": lambda image: image.astype(np.float32),
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("ending", ["png", "tiff", "npy"])
@pytest.mark.parametrize("ink", ["auto", "light", "dark"])
def test_a_binary_picture_is_the_same_at_every_scale(tmp_path, kind, values, ending, ink):
    image = GREY[0] > 100
    if ending == "png" and values in ("32 bits", "fractions"):
        return  # which it does not hold
    stored, path = VALUES[values](~image if ink == "dark" else image), tmp_path / f"a.{ending}"
    np.save(path, stored) if ending == "npy" else Image.fromarray(stored).save(path)
    read = read_pixels(path, kind, ink)
    np.testing.assert_array_equal(read.pixels, image.reshape(1, 16))
    assert not read.fitted


def test_a_photo_is_fitted_and_says_so(tmp_path, kind):
    drawn = np.full((60, 50), 250, np.uint8)
    drawn[10:50, 20:26] = 5
    reads = {}
    for name, scale in (("a.png", 1), ("b.png", 257)):
        Image.fromarray(drawn.astype(np.uint8 if scale == 1 else np.uint16) * scale).save(
            tmp_path / name
        )
        reads[name] = read_pixels(tmp_path / name, kind)
        assert reads[name].fitted
    np.testing.assert_array_equal(reads["a.png"].pixels, reads["b.png"].pixels)


@pytest.mark.parametrize(
    ("picture", "ink", "line"),
    [
        (np.zeros((4, 4)), "auto", "no pixel is ink, and the largest value is 0; set ink"),
        (np.zeros((4, 4)), "dark", "every pixel is ink, and the largest value is 0; set ink"),
        (np.full((4, 4), 255), "light", "every pixel is ink, and the largest value is 255; set"),
        (np.full((4, 4), 255), "dark", "no pixel is ink, and the largest value is 255; set"),
        (np.eye(4) * 20, "auto", "from 0 to 20, and no scale that is known"),
        (np.ones((9, 9)), "auto", "every pixel is 255: no ink is there"),
        (np.eye(40) * 20, "auto", "from 0 to 20, and no scale that is known"),
    ],
)
def test_an_input_without_ink_is_refused(tmp_path, kind, picture, ink, line):
    Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png: .*{line}"):
        read_pixels(tmp_path / "a.png", kind, ink)


def test_a_file_of_blank_images_is_refused_and_one_blank_among_others_taken(tmp_path, kind):
    images = np.zeros((2, 4, 4))
    np.save(tmp_path / "a.npy", images)
    with pytest.raises(ValueError, match=r"a\.npy: the images: no pixel is ink"):
        read_pixels(tmp_path / "a.npy", kind)
    images[0, 0, 0] = 1
    np.save(tmp_path / "a.npy", images)
    assert read_pixels(tmp_path / "a.npy", kind).pixels.sum() == 1
