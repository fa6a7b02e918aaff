"""Colours by the profile that a picture carries: what a network sees is sRGB."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageCms

# Pillow gives no types for what it takes from Little CMS.
CMS: Any = ImageCms
# As ICC writes the space of a profile, by the mode of the pixels.
SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
SRGB_GAMMA = 1 / 2.2
BROKEN = "its colour profile is damaged or made for other pixels; the colours are taken for sRGB"


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in sRGB, "RGB" or "RGBA", perceptual intent; and a sentence where its profile cannot be used.

    Without a profile PNG's gamma counts; else grey and RGB are taken for sRGB, CMYK for the complement of RGB.
    """
    about = dict(image.info)
    # Transparency that stands beside the pixels (a palette's entry, one colour) has to become a channel first.
    if image.mode in ("P", "PA") or (image.has_transparency_data and image.mode not in ("LA", "RGBA")):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    if alpha is not None or image.mode == "1":
        image = image.convert("RGB" if image.mode == "RGBA" else "L")
    if "icc_profile" in about:
        converted, notes = _by_profile(image, about["icc_profile"])
    elif image.mode == "LAB":
        converted, notes = _transformed(image, CMS.createProfile("LAB")), ()
    else:
        converted, notes = _by_gamma(image.convert("RGB"), about), ()
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, notes


def _by_gamma(image: Image.Image, about: Mapping[str | tuple[int, int], Any]) -> Image.Image:
    """PNG's gAMA, where nothing says sRGB: the light of a pixel is v^(1/γ), 1/2.2 being as good as sRGB."""
    gamma: float = about.get("gamma", SRGB_GAMMA)
    if "srgb" in about or not 0.1 < gamma < 10 or abs(gamma - SRGB_GAMMA) < 0.01:
        return image
    light = [(value / 255) ** (1 / gamma) for value in range(256)]
    encoded = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in light]
    return image.point([round(255 * value) for value in encoded] * 3)


def _by_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    try:
        source = CMS.ImageCmsProfile(io.BytesIO(profile or b""))
        space: str = source.profile.xcolor_space
        if image.mode == "L" and space == SPACES["RGB"]:
            image = image.convert("RGB")
        if space != SPACES.get(image.mode):
            return image.convert("RGB"), (BROKEN,)
        return _transformed(image, source), ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB"), (BROKEN,)


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    made = ImageCms.profileToProfile(image, source, CMS.createProfile("sRGB"), outputMode="RGB")
    return image if made is None else made
