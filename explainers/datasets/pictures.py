"""Opening one picture that somebody brings, defensively."""

import io
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from explainers.datasets.colour_profiles import to_srgb
from explainers.datasets.deep_values import depth_of, eight_bit

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 50_000_000
# Pictures of more pixels are decoded one after the other: the largest takes half a gigabyte meanwhile.
LARGE = 4_000_000
LARGE_ONES = threading.Lock()
ORIENTATION = 0x0112
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What may lie under transparent pixels.
GROUNDS = {"white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0)}


class PictureError(ValueError):
    """A picture cannot be read; the message is one sentence for the reader, without any path."""


@dataclass(frozen=True, eq=False)
class OpenedPicture:
    """A picture as RGB in sRGB, upright, with what has to be known about it.

    `stored` (width, height) and `orientation`, 1 to 8 as in EXIF, are those of the file; `notes` are sentences on
    what had to be guessed.
    """

    image: Image.Image
    stored: tuple[int, int]
    orientation: int
    notes: tuple[str, ...]


def open_picture(
    source: bytes | Path, max_pixels: int = MAX_PIXELS, longest: int | None = None, ground: str = "white"
) -> Image.Image:
    """The picture of `read_picture` alone.

    >>> open_picture(b"")
    Traceback (most recent call last):
        ...
    explainers.datasets.pictures.PictureError: expected a picture, got an empty file; choose another one
    """
    return read_picture(source, max_pixels, longest, ground).image


def read_picture(
    source: bytes | Path, max_pixels: int = MAX_PIXELS, longest: int | None = None, ground: str = "white"
) -> OpenedPicture:
    """The first frame of a picture as RGB: upright by its EXIF tag, on `ground` where it is transparent.

    Colours are brought to sRGB from the profile that the file carries. `ground` is one of `GROUNDS`; a half
    transparent pixel is α·colour + (1 − α)·ground. 16-bit values are scaled by what the file declares, else by what it
    holds, 32-bit grey from its own minimum and maximum. `longest` bounds the longer side in pixels (never enlarged).
    The size is read from the header, before any pixel is decoded.

    Raises PictureError for what is empty, no picture of `FORMATS`, larger than `max_pixels`, damaged or gone, and
    KeyError for another ground.
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
            with LARGE_ONES if width * height > LARGE else nullcontext():
                return _decode(image, source, longest, colour)
        except PictureError:
            raise
        except Exception:  # as above; MemoryError among them
            raise PictureError(DAMAGED) from None


TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
DAMAGED = "expected a whole picture, got a damaged or incomplete file; save it again or choose another one"


def as_png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _too_large(megapixels: str, limit: int) -> str:
    return f"expected at most {limit / 1e6:.0f} megapixels, got {megapixels}; make the picture smaller first"


def _not_a_picture(source: bytes | Path) -> str:
    if isinstance(source, bytes):
        head = source[:4]
    else:
        with source.open("rb") as file:
            head = file.read(4)
    if not head:
        return "expected a picture, got an empty file; choose another one"
    if head in TIFF:
        return "expected a TIFF of a usual kind, got one whose pixels cannot be read; save it as PNG or JPEG"
    return f"expected a picture ({', '.join(FORMATS)}), got something else; save it as PNG or JPEG"


def _decode(
    image: Image.Image, source: bytes | Path, longest: int | None, ground: tuple[int, int, int]
) -> OpenedPicture:
    stored, depth = image.size, depth_of(image)
    if longest is not None:
        image.draft("RGB", (longest, longest))
    image.load()
    try:
        shown, notes = eight_bit(image, depth, source)
    except ValueError as error:
        raise PictureError(str(error)) from None
    # Before it is turned: what stands beside the pixels does not survive that.
    orientation = _orientation(image)
    shown, more = to_srgb(shown)
    shown = _upright(shown, orientation)
    if shown.mode == "RGBA":
        shown = Image.alpha_composite(Image.new("RGBA", shown.size, ground), shown).convert("RGB")
    if longest is not None:
        shown.thumbnail((longest, longest), reducing_gap=2)
    return OpenedPicture(shown, stored, orientation, (*notes, *more))


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged tag is no reason to refuse the pixels
        return 1
    return value if value in TURNS else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS[orientation]
    return image if turn is None else image.transpose(turn)
