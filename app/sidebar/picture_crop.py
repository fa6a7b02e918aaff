"""Which part of the picture is used: two sliders, and the whole picture with what the network sees outlined."""

from collections.abc import Callable

import streamlit as st

from app.figures.raster import data_address
from app.inputs.crop import SMALLEST, WHOLE, Crop, joined, outlined, seen, split
from app.inputs.pictures import Picture
from explainers.networks.preprocessing import Preprocessing

LONGEST = 480
STEP = 5
WHOLE_HELP = "Undoes the crop. The network's own scaling and cropping stay."
SIDES = {"across": "From left to right", "down": "From top to bottom"}


def crop_control(key: str, whole: Picture, preprocessing: Preprocessing | None, take: Callable[[str], None]) -> None:
    """Shows which part of `whole` the picture `key` is; `take` gets the key of another part.

    `preprocessing` is None as long as the network is not here.
    """
    crop = _of(key)
    with st.expander("Part of the picture" + ("" if crop == WHOLE else " (cropped)"), key="crop"):
        for name, ends in {"across": (crop.x0, crop.x1), "down": (crop.y0, crop.y1)}.items():
            st.session_state[f"w_crop_{name}"] = tuple(round(100 * end) for end in ends)
            st.slider(
                SIDES[name],
                0,
                100,
                step=STEP,
                format="%d %%",
                key=f"w_crop_{name}",
                on_change=_taken,
                args=(key, take),
                help="Only what lies between the two ends is used. The network's own scaling and cropping follow.",
            )
        st.button(
            "The whole picture",
            key="crop_whole",
            disabled=crop == WHOLE,
            on_click=take,
            args=(joined(key, WHOLE),),
            help=WHOLE_HELP,
        )
        if preprocessing is not None:
            _show(whole, crop, preprocessing)


def _show(whole: Picture, crop: Crop, preprocessing: Preprocessing) -> None:
    width, height = whole.image.size
    x0, y0, x1, y1 = (round(end) for end in seen(preprocessing, whole.image.size, crop))
    said = (
        f"The network sees columns {x0} to {x1} and rows {y0} to {y1} of {width} × {height}, "
        f"scaled to {preprocessing.crop} × {preprocessing.crop}."
    )
    address = data_address(outlined(whole.image, crop, (x0, y0, x1, y1), LONGEST), "JPEG", quality=85)
    st.html(f'<img src="{address}" alt="The whole picture. {said}" style="width:100%;height:auto;border-radius:6px">')
    st.caption(said + (" Dark: cut away." if crop != WHOLE else ""))


def _of(key: str) -> Crop:
    """The part that a key names; the whole where the address bar says nonsense, which the page itself tells."""
    _, text = split(key)
    try:
        return Crop.from_text(text) if text else WHOLE
    except ValueError:
        return WHOLE


def _taken(key: str, take: Callable[[str], None]) -> None:
    (x0, x1), (y0, y1) = (_apart(*st.session_state[f"w_crop_{name}"]) for name in SIDES)
    take(joined(key, Crop(x0, y0, x1, y1)))


def _apart(low: int, high: int) -> tuple[float, float]:
    """The ends of a slider as shares, at least the smallest side apart.

    >>> _apart(20, 20), _apart(100, 100), _apart(0, 40)
    ((0.2, 0.25), (0.95, 1.0), (0.0, 0.4))
    """
    left, right = low / 100, high / 100
    if right - left >= SMALLEST:
        return left, right
    left = min(left, 1 - SMALLEST)
    return left, round(left + SMALLEST, 3)
