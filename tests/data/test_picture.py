"""Pictures of every depth and mode read alike; a photo or drawing is understood."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from scanline.data.fitting import fitted
from scanline.data.picture import read_grey, read_mask

LEVELS = np.array([0, 85, 170, 255], np.uint8)  # that 2 bits can hold
GREY = LEVELS[np.random.default_rng(0).integers(0, 4, (5, 7))]


def saved(image: Image.Image, kind: str = "PNG", **options) -> io.BytesIO:
    content = io.BytesIO()
    image.save(content, format=kind, **options)
    content.seek(0)
    return content


def see_through(grey: np.ndarray) -> Image.Image:
    """Black ink of some opacity on nothing."""
    black = np.zeros_like(grey)
    return Image.fromarray(np.stack([black, black, black, 255 - grey], axis=2), "RGBA")


WAYS = {
    "8 bits": lambda image: saved(image),
    "2 bits": lambda image: saved(image.convert("P", palette=Image.Palette.ADAPTIVE), bits=2),
    "4 bits": lambda image: saved(image.quantize(16), bits=4),
    "palette": lambda image: saved(image.convert("P")),
    "16 bits": lambda image: saved(Image.fromarray(np.asarray(image).astype(np.uint16) * 257)),
    "colour": lambda image: saved(image.convert("RGB")),
    "opaque": lambda image: saved(image.convert("RGBA")),
    "grey with alpha": lambda image: saved(image.convert("LA")),
    "BMP": lambda image: saved(image, "BMP"),
    "TIFF": lambda image: saved(image, "TIFF"),
    "GIF": lambda image: saved(image, "GIF"),
    "PGM": lambda image: saved(image, "PPM"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_picture_reads_alike_however_it_is_stored(way):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content = WAYS[way](Image.fromarray(GREY))
    np.testing.assert_array_equal(read_grey(content), GREY)


def test_what_is_transparent_shows_white_paper():
    # Mixing with the paper rounds by one at most.
    assert np.abs(read_grey(saved(see_through(GREY))).astype(int) - GREY).max() <= 1


@pytest.mark.parametrize("content", [b"", b"a picture", saved(Image.fromarray(GREY)).read()[:50]])
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a.png is not a readable picture \("):
        read_grey(tmp_path / "a.png")


def test_a_huge_picture_is_refused_by_its_header(tmp_path):
    Image.new("1", (8000, 8000)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="8,000 x 8,000 pixels are more than 50,000,000"):
        read_grey(tmp_path / "a.png")


def test_a_mask_is_black_and_white_and_of_the_size(tmp_path):
    Image.fromarray(GREY > 100).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png", 5, 7), GREY > 100)
    with pytest.raises(ValueError, match="is 5 x 7 pixels; the model's images are 7 x 5"):
        read_mask(tmp_path / "a.png", 7, 5)
    Image.fromarray(GREY).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"has a pixel of grey (85|170)"):
        read_mask(tmp_path / "b.png", 5, 7)


def drawing(size=(300, 400), at=(60, 220), paper=255, ink=0) -> Image.Image:
    """A seven, far from the middle."""
    image = Image.new("L", size, paper)
    x, y = at
    line = [(x, y), (x + 60, y), (x + 20, y + 100)]
    ImageDraw.Draw(image).line(line, fill=ink, width=12)
    return image


def centre(image: np.ndarray) -> np.ndarray:
    places = np.indices(image.shape).reshape(2, -1)
    return (places * image.ravel()).sum(axis=1) / image.sum()


def phone_photo() -> Image.Image:
    """Grey paper that darkens to one side, soft ink, grain."""
    image = np.asarray(drawing().filter(ImageFilter.GaussianBlur(2))).astype(float)
    shadow = np.linspace(1, 0.8, image.shape[1])
    grain = np.random.default_rng(0).normal(0, 4, image.shape)
    return Image.fromarray(np.clip((60 + 0.6 * image) * shadow + grain, 0, 255).astype(np.uint8))


DRAWN = {
    "dark on light": drawing(),
    "light on dark": drawing(paper=10, ink=240),
    "elsewhere": drawing(at=(200, 20)),
    "larger": drawing(size=(600, 800)).resize((1200, 1600)),
    "a photo": phone_photo(),
}


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("size", [(28, 28), (20, 12), (64, 64)])
def test_a_drawing_is_made_as_the_digits_were(kind, size):
    image = fitted(np.asarray(DRAWN[kind]), *size)
    assert image.shape == size
    down, right = np.nonzero(image > 60)
    longest = max(np.ptp(down), np.ptp(right)) + 1
    assert abs(longest - 20 / 28 * min(size)) <= 1.5  # rounding, and a soft edge
    assert image.max() > 200
    # As near to the middle as whole pixels allow, unless the figure then leaves the image.
    assert np.abs(centre(image) - (np.array(size) - 1) / 2).max() <= 1
    plain = fitted(np.asarray(DRAWN["dark on light"]), *size)
    assert ((image > 128) == (plain > 128)).mean() > 0.93


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((50, 50), 255, np.uint8), "every pixel is 255: no ink is there"),
        (255 - np.random.default_rng(0).integers(0, 9, (50, 50)).astype(np.uint8), "contrast"),
    ],
)
def test_a_blank_page_is_refused(picture, message):
    with pytest.raises(ValueError, match=message):
        fitted(picture, 28, 28)
