"""Colours by the profile that a picture carries: what a network sees is sRGB."""

import io

from PIL import Image, ImageCms

# As ICC writes the space of a profile, by the mode of the pixels.
SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
BROKEN = "its colour profile is damaged or made for other pixels; the colours are taken for sRGB"


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in sRGB, "RGB" or "RGBA", perceptual intent; and a sentence where its profile cannot be used.

    Without a profile grey and RGB are taken for sRGB, CMYK for the complement of RGB.
    """
    # Transparency that stands beside the pixels (a palette's entry, one colour) has to become a channel first.
    if image.mode in ("P", "PA") or (image.has_transparency_data and image.mode not in ("LA", "RGBA")):
        profile = image.info.get("icc_profile"), "icc_profile" in image.info
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    else:
        profile = image.info.get("icc_profile"), "icc_profile" in image.info
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert("L" if image.mode in ("1", "LA") else "RGB") if alpha or image.mode == "1" else image
    converted, notes = _converted(colours, *profile)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, notes


def _converted(image: Image.Image, profile: bytes | None, declared: bool) -> tuple[Image.Image, tuple[str, ...]]:
    if image.mode == "LAB" and not profile:
        return _transformed(image, ImageCms.createProfile("LAB")), ()
    if not declared:
        return image.convert("RGB"), ()
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        space = source.profile.xcolor_space
        if image.mode == "L" and space == SPACES["RGB"]:
            image = image.convert("RGB")
        if space != SPACES.get(image.mode):
            return image.convert("RGB"), (BROKEN,)
        return _transformed(image, source), ()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB"), (BROKEN,)


def _transformed(image: Image.Image, source: object) -> Image.Image:
    return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
