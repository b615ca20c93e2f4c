"""Images from files of four kinds, and what is refused, by the file's name."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imsave

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
        np.testing.assert_array_equal(read_pixels(path, kind), WANTED, err_msg=path.name)
    imsave(tmp_path / "a.png", GREY[0], cmap="gray", vmin=0, vmax=255)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png", kind), WANTED[:1])


def test_a_study_s_pixels_are_read_where_they_are_the_model_s(tmp_path, pixel_set, kind):
    save_pixels(tmp_path / "test.npz", pixel_set)
    np.testing.assert_array_equal(read_pixels(tmp_path / "test.npz", kind), pixel_set.pixels)
    line = r"test\.npz: the model belongs to other pixels .*threshold is 0\.5 there and 0\.1 here"
    with pytest.raises(ValueError, match=line):
        read_pixels(tmp_path / "test.npz", kind | {"threshold": 0.5})


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
