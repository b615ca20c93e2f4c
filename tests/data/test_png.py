"""PNG files of every kind that a drawing program may write."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scanline.data.png import read_intensities, read_mask

GREY = np.random.default_rng(0).integers(0, 256, (5, 7)).astype(np.uint8)


def write_grey(path: Path, values: np.ndarray, bits: int, transparent: int | None = None) -> None:
    """A grey PNG of so many ``bits``, chunk by chunk as the standard has it (ISO/IEC 15948)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    def line(row: np.ndarray) -> bytes:
        digits = "".join(f"{value:0{bits}b}" for value in row)
        digits += "0" * (-len(digits) % 8)
        return b"\0" + int(digits, 2).to_bytes(len(digits) // 8, "big")

    rows, columns = values.shape
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, bits, 0, 0, 0, 0))]
    if transparent is not None:
        parts.append(chunk(b"tRNS", struct.pack(">H", transparent)))
    parts.append(chunk(b"IDAT", zlib.compress(b"".join(map(line, values)))))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b""))


@pytest.mark.parametrize("side", [13_000, 20_000])  # beside Pillow's own limits
def test_a_picture_that_unpacks_without_end_is_refused_by_its_header(tmp_path, side):
    write_grey(tmp_path / "a.png", np.zeros((1, 8), int), 1)
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a.png is .*({side} x {side} pixels|{side**2} pixels)"):
        read_intensities(tmp_path / "a.png", 28, 28)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_grey_values_are_the_file_s(tmp_path, mode):
    Image.fromarray(GREY).convert(mode).save(tmp_path / "a.png")
    assert (read_intensities(tmp_path / "a.png", 5, 7) == GREY).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_values_of_all_bits_are_scaled_alike(tmp_path, bits):
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 7))
    values[0, :2] = 0, 2**bits - 1
    write_grey(tmp_path / "a.png", values, bits)
    wanted = np.rint(255 * values / (2**bits - 1))
    assert (read_intensities(tmp_path / "a.png", 5, 7) == wanted).all()


@pytest.mark.parametrize("bits", [1, 4, 16])
def test_palettes_of_few_colours_are_read(tmp_path, bits):
    """Pillow writes a palette of up to 2, 4 and 16 colours with 1, 2 and 4 bits."""
    levels = np.linspace(0, 255, bits + 1).astype(np.uint8)
    image = Image.fromarray(np.arange(35).reshape(5, 7).astype(np.uint8) % len(levels))
    image.putpalette([int(level) for level in levels for _ in range(3)])
    image.save(tmp_path / "a.png")
    wanted = levels[np.arange(35).reshape(5, 7) % len(levels)]
    assert (read_intensities(tmp_path / "a.png", 5, 7) == wanted).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_is_refused(tmp_path, bits):
    values = np.zeros((5, 7), int)
    values[2, 3] = 1
    write_grey(tmp_path / "a.png", values, bits, transparent=1)
    with pytest.raises(ValueError, match=r"a.png is transparent in places"):
        read_intensities(tmp_path / "a.png", 5, 7)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_pixel_that_is_half_opaque_is_refused(tmp_path, mode):
    image = Image.fromarray(GREY).convert(mode)
    alpha = Image.fromarray(np.where(GREY[0, 0] == GREY, 128, 255).astype(np.uint8))
    image.putalpha(alpha)
    image.save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png is transparent in places"):
        read_intensities(tmp_path / "a.png", 5, 7)


def test_the_white_pixels_are_hidden(tmp_path):
    Image.fromarray(GREY > 100).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png", 5, 7) == (GREY > 100)).all()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        read_intensities(tmp_path / "none.png", 5, 7)


def test_another_format_is_no_png(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", format="BMP")
    with pytest.raises(ValueError, match=r"a.png is not a readable PNG image \(cannot identify"):
        read_intensities(tmp_path / "a.png", 5, 7)
