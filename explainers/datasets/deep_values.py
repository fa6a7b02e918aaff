"""Pixels of more than 8 bits: brought to 8 by what the file declares, else by what it holds."""

import io
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

# What cameras, scanners and microscopes deliver.
DEPTHS = (8, 10, 12, 14, 16)
BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 258, 262, 281, 341
# Pixels that are brought to 8 bits at a time.
STRIP = 1 << 20
CHANNELS = {"RGB": 3, "RGBA": 4}


def depth_of(image: Image.Image) -> str:
    """How the file stores its pixels, "RGB;16B" for instance; to be asked before they are loaded."""
    tiles = getattr(image, "tile", ())
    arguments = tiles[0].args if tiles else ""
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


def eight_bit(image: Image.Image, depth: str, source: bytes | Path) -> tuple[Image.Image, tuple[str, ...]]:
    """The loaded picture with 8 bits a channel, and a sentence where its content had to decide on the scale.

    Unsigned values v of 16 bits become 255 v / top: top is the largest value that the file declares (TIFF's bits or
    MaxSampleValue, PNG's sBIT where no pixel is above it), else the largest of 8, 10, 12, 14 or 16 bits, the first
    that no pixel exceeds. Signed and 32-bit values are stretched between their extremes. Where a TIFF says that
    its least value is white, it is.

    Raises ValueError, one sentence, where the file's colours are all in bits that cannot be read.
    """
    if image.mode.startswith("I;16"):
        levels = np.asarray(image)
        values, notes = _scaled(levels, _declared(image, source))
        grey = Image.fromarray(255 - values if _least_is_white(image) else values)
        if isinstance(clear := image.info.get("transparency"), int):
            grey.putalpha(Image.fromarray(np.where(levels == clear, np.uint8(0), np.uint8(255))))
        return _like(grey, image), notes
    if image.mode in ("I", "F"):
        return _stretched(image)
    # Pillow keeps the upper byte of deep colours; enough, unless the values do not reach so far up.
    if ";16" in depth and image.mode in CHANNELS and _faint(image):
        return _deep_colours(image, source)
    return image, ()


def _least_is_white(image: Image.Image) -> bool:
    """Pillow turns round the values of 8 bits only."""
    return getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0


def _faint(image: Image.Image) -> bool:
    colours: Any = image.getextrema()[: CHANNELS[image.mode] - (image.mode != "RGB")]
    return max(high for _, high in colours) < 1 << DEPTHS[-2] - 8


def _scaled(levels: np.ndarray, declared: int | None) -> tuple[np.ndarray, tuple[str, ...]]:
    highest = int(levels.max())
    if declared and highest <= declared:
        top, notes = declared, ()
    else:
        top = next(2**bits - 1 for bits in DEPTHS if highest < 2**bits)
        bits = top.bit_length()
        said = f"its 16-bit values go up to {highest:,} only and are taken for values of {bits} bits: {top:,} is white"
        notes = () if bits == DEPTHS[-1] or highest == 0 else (said,)
    return _table(top)[levels], notes


def _table(top: int) -> np.ndarray:
    """255 v / top for every v of 16 bits: looking values up takes no memory but that of the answer."""
    return np.rint(np.minimum(np.arange(1 << 16), top) * (255.0 / top)).astype(np.uint8)


def _stretched(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    low, high = _ends(image)
    grey = np.zeros((image.height, image.width), np.uint8)
    for rows, values in _strips(image):
        if high > low:
            grey[rows] = np.rint(255 * ((values - low) / (high - low)))
    turned = _least_is_white(image)
    black, white = (high, low) if turned else (low, high)
    said = f"its values have no scale of their own: {black:g} is shown black, {white:g} white"
    return _like(Image.fromarray(255 - grey if turned else grey), image), (said,)


def _ends(image: Image.Image) -> tuple[float, float]:
    ends = [(values.min(), values.max()) for _, values in _strips(image)]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _strips(image: Image.Image) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of the picture and their values in float64, a part at a time: the whole takes eight times the memory."""
    count = max(1, STRIP // image.width)
    for top in range(0, image.height, count):
        rows = slice(top, min(top + count, image.height))
        part = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
        yield rows, np.nan_to_num(part.astype(np.float64), posinf=0.0, neginf=0.0)


def _deep_colours(image: Image.Image, source: bytes | Path) -> tuple[Image.Image, tuple[str, ...]]:
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        levels = _png(data) if image.format == "PNG" else _tiff(data, image.width * image.height * 4)
        if image.mode == "RGBA" and levels.ndim == 3 and levels.shape[2] == 2:
            levels = levels[..., [0, 0, 0, 1]]
        if levels.shape != (image.height, image.width, CHANNELS[image.mode]) or levels.dtype != np.uint16:
            raise ValueError("other pixels than Pillow's")
    except Exception:  # decoders raise almost anything; imagecodecs may be missing
        raise ValueError(
            "expected colours over the whole range of 16 bits, got a file of dark ones that cannot be read in full; "
            "save it with 8 bits a channel"
        ) from None
    colours = CHANNELS[image.mode] - (image.mode != "RGB")
    values, notes = _scaled(levels[..., :colours], _declared(image, source))
    alpha = _table((1 << 16) - 1)[levels[..., colours:]]
    return _like(Image.fromarray(np.concatenate([values, alpha], axis=2), image.mode), image), notes


def _png(data: bytes) -> np.ndarray:
    pixels = decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.UNCHANGED)
    return pixels.permute(1, 2, 0).numpy()


def _tiff(data: bytes, most: int) -> np.ndarray:
    """The values of the first page, at most `most`: a page may claim to be deeper than Pillow believes."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        if math.prod(page.shape) > most:
            raise ValueError("more values than pixels")
        return page.asarray(maxworkers=1)


def _declared(image: Image.Image, source: bytes | Path) -> int | None:
    """The largest value that the file speaks of."""
    if image.format == "PNG":
        bits = _significant_bits(source)
        return 2**bits - 1 if bits else None
    tags: dict[int, Any] = getattr(image, "tag_v2", {})
    for tag in (S_MAX_SAMPLE_VALUE, MAX_SAMPLE_VALUE):
        value: float | tuple[float, ...] | None = tags.get(tag)
        value = max(value) if isinstance(value, tuple) and value else value
        if isinstance(value, int | float) and 0 < value < 65535:
            return int(value)
    bits = max(tags.get(BITS_PER_SAMPLE, (16,)))
    return 2**bits - 1 if 8 < bits < 16 else None


def _significant_bits(source: bytes | Path) -> int | None:
    """The largest entry of PNG's chunk sBIT, which stands before the pixels."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    start = 8
    while start + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        if kind == b"sBIT" and 0 < length <= 4:
            bits = max(data[start + 8 : start + 8 + length])
            return bits if 8 <= bits < 16 else None
        if kind == b"IDAT":
            return None
        start += 12 + length
    return None


def _like(image: Image.Image, original: Image.Image) -> Image.Image:
    """With what stands beside the pixels: the profile and the way the picture was held."""
    image.info |= {key: original.info[key] for key in ("icc_profile", "exif") if key in original.info}
    return image
