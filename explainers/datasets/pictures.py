"""Opening one picture that somebody brings, defensively."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 50_000_000
# What may lie under transparent pixels.
GROUNDS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}


class PictureError(ValueError):
    """A picture cannot be read; the message is one sentence for the reader, without any path."""


def open_picture(
    source: bytes | Path, max_pixels: int = MAX_PIXELS, longest: int | None = None, ground: str = "white"
) -> Image.Image:
    """The first frame of a picture as RGB: upright by its EXIF tag, on `ground` where it is transparent.

    `ground` is one of `GROUNDS`; a half transparent pixel is α·colour + (1 − α)·ground.

    16-bit grey is scaled from its full range, 32-bit grey from its own minimum and maximum. `longest`
    bounds the longer side in pixels (never enlarged). The size is read from the header, before any
    pixel is decoded.

    Raises PictureError for what is empty, no picture of `FORMATS`, larger than `max_pixels`, damaged or gone, and
    KeyError for another ground.

    >>> open_picture(b"")
    Traceback (most recent call last):
        ...
    explainers.datasets.pictures.PictureError: expected a picture, got an empty file; choose another one
    """
    colour = GROUNDS[ground]
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_large("more than 89", max_pixels)) from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(source)) from None
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise PictureError("expected a readable file, it is gone or protected; choose another one") from None
    except Exception:  # a damaged header makes decoders raise almost anything
        raise PictureError(DAMAGED) from None
    with image:
        width, height = image.size
        if width * height > max_pixels:
            raise PictureError(_too_large(f"{width * height / 1e6:.0f}", max_pixels))
        try:
            return _decode(image, longest, colour)
        except Exception:  # as above; MemoryError among them
            raise PictureError(DAMAGED) from None


DAMAGED = "expected a whole picture, got a damaged or incomplete file; save it again or choose another one"


def _too_large(megapixels: str, limit: int) -> str:
    return f"expected at most {limit / 1e6:.0f} megapixels, got {megapixels}; make the picture smaller first"


def _not_a_picture(source: bytes | Path) -> str:
    empty = len(source) == 0 if isinstance(source, bytes) else source.stat().st_size == 0
    if empty:
        return "expected a picture, got an empty file; choose another one"
    return f"expected a picture ({', '.join(FORMATS)}), got something else; save it as PNG or JPEG"


def _decode(image: Image.Image, longest: int | None, ground: tuple[int, int, int]) -> Image.Image:
    if longest is not None:
        image.draft("RGB", (longest, longest))
    image.load()
    image = _eight_bit(_upright(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, ground), image)
    image = image.convert("RGB")
    if longest is not None:
        image.thumbnail((longest, longest), reducing_gap=2)
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a damaged tag is no reason to refuse the pixels
        return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits as "L", or "LA" where a level is transparent; Pillow would clip it to white."""
    if image.mode.startswith("I;16"):
        levels = np.asarray(image)
        grey = Image.fromarray(np.rint(levels / 257.0).astype(np.uint8))
        if isinstance(clear := image.info.get("transparency"), int):
            grey.putalpha(Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
        return grey
    if image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image).astype(np.float64), posinf=0.0, neginf=0.0)
        low, high = values.min(), values.max()
        scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
        return Image.fromarray(np.rint(255 * scaled).astype(np.uint8))
    return image
