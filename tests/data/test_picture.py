"""Pictures of every depth and mode read alike; a photo or drawing is understood."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFilter

from scanline.data import fitting
from scanline.data.fitting import fitted
from scanline.data.picture import of_one_depth, read_grey, read_mask

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


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_of_grey_keep_their_values(kind):
    deep = GREY.astype(np.uint16) * 100
    read = read_grey(saved(Image.fromarray(deep), kind))
    np.testing.assert_array_equal(read, deep)
    assert read.dtype == np.uint16


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bits_of_grey_keep_their_values(dtype):
    for deep in (GREY.astype(dtype), (GREY / 255).astype(dtype), GREY.astype(dtype) * 257):
        read = read_grey(saved(Image.fromarray(deep), "TIFF"))
        np.testing.assert_array_equal(read, deep)
        assert read.dtype == dtype


def test_pictures_of_8_and_16_bits_are_brought_to_one_depth():
    deep = GREY.astype(np.uint16) * 257
    for pictures in ((GREY, deep), (deep, GREY)):
        for each in of_one_depth(pictures, "ab"):
            np.testing.assert_array_equal(each, deep)
    assert of_one_depth([GREY], "a")[0] is GREY
    with pytest.raises(ValueError, match="a has values of uint8 and b of float64; store all"):
        of_one_depth([GREY, GREY / 255], "ab")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_photo_is_turned_as_its_camera_says(orientation, kind):
    """By the EXIF standard: where the stored first row and first column belong."""
    upright = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY, -1),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(Image.fromarray(GREY), kind, exif=exif, **options)
    np.testing.assert_array_equal(read_grey(content), upright)


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
    for full in (1, 65535):
        Image.fromarray((GREY > 100).astype(np.uint8 if full == 1 else np.uint16) * full).save(
            tmp_path / "a.png"
        )
        np.testing.assert_array_equal(read_mask(tmp_path / "a.png", 5, 7), GREY > 100)
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


@pytest.mark.parametrize(("high", "wide"), [(10, 4), (4, 10)])
@pytest.mark.parametrize("ink", [0, 255])
def test_a_figure_is_cropped_to_the_row_and_column(high, wide, ink):
    """A rectangle of 28 x 28 becomes one twice as large; a row or column less would stretch it."""
    picture = np.full((28, 28), 255 - ink, np.uint8)
    picture[3 : 3 + high, 5 : 5 + wide] = ink
    wanted = np.zeros((28, 28), np.uint8)
    wanted[14 - high : 14 + high, 14 - wide : 14 + wide] = 255
    np.testing.assert_array_equal(fitted(picture, 28, 28), wanted)


SHADES = {  # the light on a page of (down, right) from 0 to 1
    "none": lambda down, right: np.ones_like(down),
    "to one side": lambda down, right: 1 - 0.6 * right,
    "to a corner": lambda down, right: 1 - 0.35 * (down + right),
    "to the edges": lambda down, right: 1 - 1.2 * ((down - 0.5) ** 2 + (right - 0.5) ** 2),
    "half, with a soft edge": lambda down, right: 1 - 0.5 / (1 + np.exp((right - 0.5) / 0.06)),
    "half, with a hard edge": lambda down, right: np.where(right > 0.55, 0.5, 1),
}


def lit(page: Image.Image, shade: str, noise: float) -> np.ndarray:
    """The page in that light, with noise of that many grey values."""
    values = np.asarray(page.filter(ImageFilter.GaussianBlur(1.5)), float)
    down, right = np.meshgrid(*(np.linspace(0, 1, side) for side in values.shape), indexing="ij")
    grain = np.random.default_rng(0).normal(0, noise, values.shape)
    return np.clip(values * SHADES[shade](down, right) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 4, 10])
@pytest.mark.parametrize("shade", SHADES)
def test_a_figure_in_a_shadow_is_found_and_a_blank_page_refused(shade, noise):
    plain = fitted(np.asarray(DRAWN["dark on light"]), 28, 28)
    image = fitted(lit(drawing(paper=235, ink=50), shade, noise), 28, 28)
    assert ((image > 128) == (plain > 128)).mean() > 0.93
    for size in ((300, 400), (120, 90)):
        with pytest.raises(ValueError, match="no ink is there"):
            fitted(lit(Image.new("L", size, 235), shade, noise), 28, 28)


def spotted(page: Image.Image, where: tuple[float, float], depth: float) -> np.ndarray:
    """The page with a round, soft shadow, smaller than itself."""
    sides = (np.linspace(0, 1, side) for side in page.size[::-1])
    down, right = np.meshgrid(*sides, indexing="ij")
    spot = np.exp(-((down - where[0]) ** 2 + (right - where[1]) ** 2) / 0.06)
    return (np.asarray(page) * (1 - depth * spot)).astype(np.uint8)


@pytest.mark.parametrize("where", [(0.5, 0.5), (0.2, 0.7)])
@pytest.mark.parametrize("depth", [0.2, 0.5, 0.8])
def test_a_soft_spot_of_shadow_is_no_ink(where, depth):
    with pytest.raises(ValueError, match="no ink is there"):
        fitted(spotted(Image.new("L", (200, 200), 235), where, depth), 28, 28)


def test_the_gaps_of_a_figure_in_a_dark_spot_are_not_taken_for_it():
    with pytest.raises(ValueError, match="has no edge, as a shadow has none"):
        fitted(spotted(drawing(paper=235, ink=50), (0.5, 0.5), 0.5), 28, 28)


@pytest.mark.parametrize("width", [10, 40, 80])
def test_strokes_of_any_width_up_to_half_the_picture_are_found(width):
    ring = Image.new("L", (200, 200), 240)
    ImageDraw.Draw(ring).ellipse([20, 20, 180, 180], outline=20, width=width)
    for picture in (np.asarray(ring), 255 - np.asarray(ring)):
        image = fitted(picture, 28, 28)
        wanted = np.pi * (80**2 - (80 - width) ** 2) / 160**2 * 20**2
        # A pixel more or less along half of the outline, of 60 pixels.
        assert abs((image > 128).sum() - wanted) < 30


def test_a_faint_pencil_is_found_or_refused_and_its_gaps_are_never_taken_for_it():
    plain = fitted(np.asarray(DRAWN["dark on light"]), 28, 28)
    line = r"differs by 2\d of 255 from the paper; needed is a contrast of 32, and of 8 times the n"
    with pytest.raises(ValueError, match=line):
        fitted(np.asarray(drawing(paper=240, ink=215)), 28, 28)
    image = fitted(np.asarray(drawing(paper=240, ink=200)), 28, 28)
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


def test_levels_are_those_of_paper_ink_and_noise():
    """Of normal noise the standard deviation, and of ink where nine tenths of it are."""
    generator = np.random.default_rng(0)
    darkness = np.concatenate([generator.normal(0.2, 0.03, 40_000), np.linspace(0.4, 1.4, 1001)])
    paper, contrast, noise = fitting._levels(darkness, np.arange(len(darkness)) >= 40_000)
    # A median is known to 1.25, and this noise to 1.2, standard deviations / 200.
    assert paper == pytest.approx(0.2, abs=5 * 1.25 * 0.03 / 200)
    assert contrast == pytest.approx(1.3 - paper)
    assert noise == pytest.approx(0.03, abs=5 * 1.2 * 0.03 / 200)


def test_a_large_picture_is_looked_at_by_1024_pixels_at_most():
    assert fitting._smooth(np.zeros((1024, 9), np.uint8)).shape == (1024, 9)
    assert fitting._smooth(np.zeros((8, 1025), np.uint8)).shape == (4, 513)


def test_specks_far_apart_are_refused():
    picture = np.full((900, 900), 255, np.uint8)
    picture[5, 5] = picture[-5, -5] = 0
    with pytest.raises(ValueError, match="no ink is"):
        fitted(picture, 28, 28)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 40))))
@settings(max_examples=50)
def test_any_picture_is_understood_or_refused(picture):
    try:
        image = fitted(picture, 6, 4)
    except ValueError as refused:
        assert "no ink is" in str(refused)  # noqa: PT017
    else:
        assert image.shape == (6, 4)
        assert image.any()
