"""Files of pictures, by what they hold and how: some to be shown, some to be refused."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

RED, BLUE = (220, 30, 30), (20, 40, 200)


# Red to the left and blue to the right, wide enough for JPEG's blocks.
HALVES = Image.fromarray(np.repeat(np.array([[RED, BLUE]], np.uint8), 16, 0).repeat(16, 1))


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_rgb() -> bytes:
    """A PNG of 16 bits per channel, which Pillow reads but does not write."""
    row = b"\0" + b"".join(struct.pack(">HHH", *(257 * value for value in colour)) for colour in (RED, BLUE))
    return png(2, 1, 16, 2, row)


def animated(kind: str) -> bytes:
    frames = [HALVES, HALVES.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def turned(orientation: int, kind: str = "JPEG") -> bytes:
    """HALVES as a camera stores it that was held as EXIF's `orientation` says."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(HALVES.transpose(undo[orientation]), kind, exif=exif)


SHOWN = {
    "png": lambda: encoded(HALVES),
    "jpeg": lambda: encoded(HALVES, "JPEG", quality=95),
    "progressive jpeg": lambda: encoded(HALVES, "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: encoded(HALVES.convert("CMYK"), "JPEG", quality=95),
    "webp": lambda: encoded(HALVES, "WEBP", lossless=True),
    "bmp": lambda: encoded(HALVES, "BMP"),
    "tiff": lambda: encoded(HALVES, "TIFF"),
    "compressed tiff": lambda: encoded(HALVES, "TIFF", compression="tiff_lzw"),
    "cmyk tiff": lambda: encoded(HALVES.convert("CMYK"), "TIFF"),
    "tiff of several pages": lambda: animated("TIFF"),
    "palette": lambda: encoded(HALVES.quantize(2)),
    "palette gif": lambda: encoded(HALVES, "GIF"),
    "animated gif": lambda: animated("GIF"),
    "animated png": lambda: animated("PNG"),
    "animated webp": lambda: animated("WEBP"),
    "16 bits a channel": deep_rgb,
    "opaque alpha": lambda: encoded(HALVES.convert("RGBA")),
} | {f"exif {orientation}": lambda o=orientation: turned(o) for orientation in range(2, 9)}


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("picture.png", bytes(1 << 24))
    return buffer.getvalue()


def ihdr(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, b"")


def big_bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def big_gif(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
        + b"\x02\0;"
    )


def text_bomb() -> bytes:
    return png(1, 1, 8, 2, b"\0\0\0\0", *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 25)))] * 4)


REFUSED = {
    "empty": (b"", "empty file"),
    "text": (b"no picture\n" * 20, "got something else"),
    "svg": (SVG, "got something else"),
    "svg with a declaration": (
        b'<?xml version="1.0"?><!DOCTYPE svg SYSTEM "file:///etc/passwd">' + SVG,
        "something else",
    ),
    "html": (b"<html><script>alert(1)</script></html>", "got something else"),
    "pdf": (b"%PDF-1.7\n1 0 obj\n", "got something else"),
    "zip bomb": (zip_bomb(), "got something else"),
    "20,000 × 20,000": (ihdr(20_000, 20_000), "at most 50 megapixels"),
    "20,000 × 20,000 all there": (png(20_000, 20_000, 1, 0, bytes(20_000 * 2_501)), "at most 50 megapixels"),
    "10,000 × 6,000": (ihdr(10_000, 6_000), "at most 50 megapixels, got 60"),
    "2³¹ × 1": (ihdr(2**31 - 1, 1), "at most 50 megapixels"),
    "BMP of 20,000 × 20,000": (big_bmp(20_000, 20_000), "at most 50 megapixels"),
    "GIF of 65,000 × 65,000": (big_gif(65_000, 65_000), "at most 50 megapixels"),
    "header alone": (ihdr(6000, 6000), "damaged or incomplete"),
    "no side": (ihdr(0, 5), "expected a"),
    "cut png": (encoded(HALVES)[:-40], "damaged or incomplete"),
    "cut jpeg": (encoded(HALVES, "JPEG")[:-60], "damaged or incomplete"),
    "cut gif": (encoded(HALVES, "GIF")[:-60], "damaged or incomplete|expected a"),
    "cut webp": (encoded(HALVES, "WEBP")[:-20], "expected a"),
    "cut tiff": (encoded(HALVES, "TIFF")[:-300], "damaged or incomplete|expected a"),
    "texts that unfold": (text_bomb(), "damaged or incomplete"),
}


def noise(width: int = 40, height: int | None = None, seed: int = 0) -> bytes:
    """A PNG of random colours, square without a height."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height or width, width, 3), dtype=np.uint8)
    return encoded(Image.fromarray(pixels))


def plain(colour: str | tuple[int, int, int], width: int = 40, height: int | None = None) -> bytes:
    """A PNG of one colour."""
    return encoded(Image.new("RGB", (width, height or width), colour))
