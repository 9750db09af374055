"""Every mode of Pillow in every format: as bytes that are computed without Pillow, or refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from dl.data.sources.images import read_picture, without_warnings
from dl.data.types import Array
from dl.init.files import config_of_folder
from support.tables import told

SIDE = 8
FORMATS = {"BMP": "bmp", "GIF": "gif", "JPEG": "jpg", "PNG": "png", "TIFF": "tif", "WEBP": "webp"}
LOSSY = {"GIF": 70, "JPEG": 6, "WEBP": 60}
"""How far a value may be from the original: 256 colours; the rounding of YCbCr."""

BYTES = {
    **{"L": 1, "P": 1, "LA": 2, "PA": 2, "La": 2, "RGB": 3, "YCbCr": 3, "HSV": 3, "LAB": 3},
    **{"RGBA": 4, "RGBa": 4, "RGBX": 4, "CMYK": 4},
}
"""Bytes of a pixel, by mode."""
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
MODES = ("1", *BYTES, "I", "F", *SIXTEEN_BITS)
KEPT_IN_OTHERS = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr")
"""Modes whose values Pillow keeps where it saves them in another mode."""
REFUSED = {
    "F": "a float picture: it does not say which value is white",
    "I": "a picture of 32-bit or signed numbers: it does not say which value is white",
    "LAB": "a picture in the colours LAB",
    "YCbCr in TIFF": "an uncompressed TIFF file in the colours YCbCr",
}


def smooth(bands: int) -> Array:
    """Returns a picture that every format can keep nearly as it is: one value for each quarter."""
    noise = np.random.default_rng(bands)
    quarters = noise.integers(0, 256, (2, 2, bands), np.uint8)
    return quarters.repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)


def made(mode: str) -> tuple[Image.Image, Array]:
    """Returns a picture, and its pixels as floats: red, green, blue from 0 to 255, on black."""
    if mode == "1":
        values = smooth(1)[..., 0] > 100
        return Image.fromarray(values), gray(values * 255.0)
    if mode == "I":
        return Image.fromarray(smooth(1)[..., 0].astype(np.int32)), np.zeros(0)
    if mode == "F":
        return Image.fromarray(smooth(1)[..., 0].astype(np.float32) / 255), np.zeros(0)
    if mode in SIXTEEN_BITS:
        values = smooth(1)[..., 0].astype(np.uint16) * 256 + 7
        order = ">u2" if mode == "I;16B" else "<u2"
        image = Image.frombytes(mode, (SIDE, SIDE), values.astype(order).tobytes())
        return image, gray(values / 257.0)
    values = smooth(BYTES[mode])
    image = Image.frombytes(mode, (SIDE, SIDE), values.tobytes())
    if mode in ("P", "PA"):
        palette = np.random.default_rng(9).integers(0, 256, (256, 3), np.uint8)
        image.putpalette(palette.tobytes())
        return image, palette[values[..., 0]] * opacity(values, mode)
    return image, colours(mode, values.astype(float)) * opacity(values, mode)


def colours(mode: str, values: Array) -> Array:
    """Returns red, green and blue, by the definitions of the colour spaces."""
    if mode in ("L", "LA", "La"):
        return gray(values[..., 0])
    if mode == "CMYK":
        return (255 - values[..., :3]) * (255 - values[..., 3:]) / 255
    if mode == "YCbCr":
        y, blue, red = (values[..., i] - (0, 128, 128)[i] for i in range(3))
        rgb = (y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue)
        return np.stack(rgb, -1).clip(0, 255)
    return values[..., :3]


def gray(values: Array) -> Array:
    return np.asarray(values, float)[..., None].repeat(3, -1)


def opacity(values: Array, mode: str) -> Array:
    if mode in ("LA", "PA", "RGBA"):
        return values[..., -1:] / 255
    return np.ones((SIDE, SIDE, 1))


def luminance(rgb: Array) -> Array:
    """Returns the brightness as ITU-R 601 weighs the colours."""
    return rgb @ np.array([[0.299], [0.587], [0.114]])


def stored() -> Iterator[tuple[str, str]]:
    """Yields each mode with each format that can hold it, as Pillow tells."""
    for mode in MODES:
        image, _ = made(mode)
        for name in FORMATS:
            if (name != "WEBP" or features.check("webp")) and can_hold(image, name):
                yield mode, name


def can_hold(image: Image.Image, name: str) -> bool:
    try:
        image.save(io.BytesIO(), name)
    except (OSError, ValueError, KeyError, DeprecationWarning):
        return False
    return True


def save(image: Image.Image, path: Path, name: str) -> Path:
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    image.save(path, name, **options.get(name, {}))
    return path


@pytest.mark.parametrize(("mode", "name"), list(stored()))
def test_mode_is_read_or_refused(mode: str, name: str, tmp_path: Path) -> None:
    image, expected = made(mode)
    path = save(image, tmp_path / f"a.{FORMATS[name]}", name)
    with Image.open(path) as kept:
        refused = REFUSED.get("YCbCr in TIFF" if (mode, name) == ("YCbCr", "TIFF") else kept.mode)
        converted = kept.mode[:4] != mode[:4]
    shape = (SIDE, SIDE, 3)
    if refused is not None:
        assert told(lambda: read_picture(path, shape), tmp_path) == unscaled(path.name, refused)
        return
    if converted and mode not in KEPT_IN_OTHERS:
        return
    close = LOSSY.get(name, 2)
    np.testing.assert_allclose(read_picture(path, shape), expected, atol=close)
    brightness = read_picture(path, (SIDE, SIDE, 1))
    np.testing.assert_allclose(brightness, luminance(expected), atol=close)


def unscaled(path: str, found: str) -> str:
    return (
        f"{path}: the picture cannot be read as bytes from black to white\n"
        "expected: gray or RGB colours of 8 or 16 bits\n"
        f"found: {found}\n"
        "hint: save it so, for example as PNG, with the darkest value as 0 and the lightest as 255"
    )


def png(path: Path, bits: int, colour: int, values: Array, transparent: bytes = b"") -> Path:
    """Writes a PNG file of a kind that Pillow does not write; the values are bytes of rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    if transparent:
        parts.insert(1, chunk(b"tRNS", transparent))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


GRAY, RGB, GRAY_ALPHA, RGB_ALPHA = 0, 2, 4, 6


@pytest.mark.parametrize(
    ("colour", "bands"), [(GRAY, 1), (RGB, 3), (GRAY_ALPHA, 2), (RGB_ALPHA, 4)]
)
def test_sixteen_bits_of_a_png_are_scaled(tmp_path: Path, colour: int, bands: int) -> None:
    values = np.random.default_rng(1).integers(0, 65_536, (SIDE, SIDE, bands))
    path = png(tmp_path / "a.png", 16, colour, values.astype(">u2").reshape(SIDE, -1))
    alpha = values[..., -1:] / 65_535 if bands in (2, 4) else 1.0
    rgb = values[..., :3] if bands > 2 else gray(values[..., 0])

    found = read_picture(path, (SIDE, SIDE, 3))
    np.testing.assert_allclose(found, rgb / 257 * alpha, atol=3)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_of_a_png_are_scaled(tmp_path: Path, bits: int) -> None:
    packed = np.full((SIDE, SIDE * bits // 8), {1: 0b0101_0101, 2: 0b00011011, 4: 0x0F}[bits], "u1")
    each = {1: [0, 255] * 4, 2: [0, 85, 170, 255] * 2, 4: [0, 255] * 4}[bits]
    path = png(tmp_path / "a.png", bits, GRAY, packed)

    found = read_picture(path, (SIDE, SIDE, 1))
    assert found[0].reshape(-1).tolist() == each


@pytest.mark.parametrize(("bits", "colour"), [(2, GRAY), (4, GRAY), (16, GRAY), (16, RGB)])
def test_transparent_colour_that_pillow_compares_wrongly_is_refused(
    tmp_path: Path, bits: int, colour: int
) -> None:
    width = SIDE * bits // 8 * (3 if colour == RGB else 1)
    transparent = b"\0\1" * (3 if colour == RGB else 1)
    path = png(tmp_path / "a.png", bits, colour, np.zeros((SIDE, width), "u1"), transparent)

    fault = told(lambda: read_picture(path, (2, 2, 3)), tmp_path)
    assert fault == unscaled("a.png", "a transparent colour in a picture that does not have 8 bits")


@pytest.mark.parametrize(
    ("mode", "transparency", "shown"),
    [
        ("L", 200, [0, 100]),
        ("RGB", (200, 200, 200), [0, 100]),
        ("P", 200, [0, 100]),
        ("P", bytes(range(256)), [157, 39]),
        ("1", 255, [0, 0]),
    ],
)
def test_transparent_colour_is_put_on_black(
    tmp_path: Path, mode: str, transparency: object, shown: list[int]
) -> None:
    values = np.array([[200, 100]], np.uint8)
    image = Image.fromarray(values if mode != "1" else values > 150)
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    if mode == "RGB":
        image = image.convert("RGB")
    image.save(tmp_path / "a.png", transparency=transparency)

    found = read_picture(tmp_path / "a.png", (1, 2, 3))
    assert found.tolist() == [[[value] * 3 for value in shown]]


@pytest.mark.parametrize("name", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_frame_counts(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (200, 90, 10)]
    frames[0].save(tmp_path / "a", name, save_all=True, append_images=frames[1:])

    found = read_picture(tmp_path / "a", (1, 1, 3))
    np.testing.assert_allclose(found.reshape(-1), [200, 0, 0], atol=3)


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16"])
def test_picture_of_any_mode_is_turned_upright(tmp_path: Path, mode: str, turned: int) -> None:
    """Orientation as the EXIF standard defines it: where the first row and column are shown."""
    values = np.arange(0, 240, 40, np.uint8).reshape(2, 3)
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    elif mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turned
    image.save(tmp_path / "a.png", exif=exif)
    upright = {
        1: values,
        2: values[:, ::-1],
        3: values[::-1, ::-1],
        4: values[::-1],
        5: values.T,
        6: values[::-1].T,
        7: values[::-1, ::-1].T,
        8: values[:, ::-1].T,
    }[turned]

    found = read_picture(tmp_path / "a.png", (*upright.shape, 1))
    assert found[..., 0].tolist() == upright.tolist()


def tiff(path: Path, bits: int, kind: int, content: bytes, side: int = 4) -> Path:
    """Writes a TIFF file of one band; `kind` is 1 for numbers, 2 for signed ones, 3 for floats."""
    entries = [(256, 3, side), (257, 3, side), (258, 3, bits), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 3, side), (279, 4, len(content)), (339, 3, kind)]
    packed = b"".join(struct.pack("<HHII", tag, form, 1, value) for tag, form, value in entries)
    directory = struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(content)) + content + directory)
    return path


def test_twelve_bits_of_a_tiff_are_scaled(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", 12, 1, bytes([0x80, 0x0F, 0xFF] * 8))  # 0x800, 0xfff

    found = read_picture(path, (4, 4, 1))
    assert found[0, :, 0].tolist() == [128, 255, 128, 255]


@pytest.mark.parametrize(
    ("bits", "kind", "found"),
    [
        (16, 2, REFUSED["I"]),
        (32, 2, REFUSED["I"]),
        (32, 3, REFUSED["F"]),
        (32, 1, REFUSED["I"]),
        (64, 3, "a TIFF file with pixels of a kind that Pillow does not know"),
    ],
)
def test_tiff_without_a_white_is_refused(tmp_path: Path, bits: int, kind: int, found: str) -> None:
    path = tiff(tmp_path / "a.tif", bits, kind, b"\0" * (bits * 2))

    with without_warnings():
        fault = told(lambda: read_picture(path, (4, 4, 1)), tmp_path)
    assert fault == unscaled("a.tif", found)


def test_first_config_is_refused_where_training_would_be(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made("F")[0].save(tmp_path / name / "1.tif")

    fault = told(lambda: config_of_folder(tmp_path), tmp_path)
    assert fault == unscaled("a/1.tif", REFUSED["F"])
