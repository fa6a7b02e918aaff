"""Which part of the picture is used: by two sliders or drawn, and the whole picture with what the network sees."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from app.figures.raster import data_address
from app.inputs.crop import SMALLEST, WHOLE, Crop, joined, outlined, seen, split
from app.inputs.outline import Corner
from app.inputs.pictures import Picture
from app.parts.draw import Board, draw
from app.sidebar.drawn_object import DONE_HELP, HOW, as_address
from explainers.networks.preprocessing import Preprocessing

LONGEST = 480
STEP = 1
WHOLE_HELP = "Undoes the crop. The network's own scaling and cropping stay."
DRAW_HELP = "Opens the picture large: draw the part that is to be used with the mouse or a finger."
SIDES = {"across": "From left to right", "down": "From top to bottom"}

Take = Callable[[str], None]


def crop_control(key: Callable[[], str], whole: Picture, preprocessing: Preprocessing | None, take: Take) -> None:
    """Shows which part of `whole` the picture `key()` is; `take` gets the key of another part.

    `preprocessing` is None as long as the network is not here.
    """
    crop = _of(key())
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
                args=(name, key, take),
                help="Only what lies between the two ends is used. The network's own scaling and cropping follow.",
            )
        with st.container(horizontal=True):
            if st.button("Draw it", icon=":material/draw:", key="crop_draw", help=DRAW_HELP):
                _dialog(key, whole, preprocessing, take)
            st.button(
                "The whole picture",
                key="crop_whole",
                disabled=crop == WHOLE,
                on_click=take,
                args=(joined(key(), WHOLE),),
                help=WHOLE_HELP,
            )
        if preprocessing is not None:
            _show(whole, crop, preprocessing)


@st.dialog("Draw the part that is used", width="large", on_dismiss="rerun")
def _dialog(key: Callable[[], str], whole: Picture, preprocessing: Preprocessing | None, take: Take) -> None:
    crop, (width, height) = _of(key()), whole.image.size
    told, within = "The whole picture is used.", None
    if preprocessing is not None:
        told, (x0, y0, x1, y1) = _said(whole, crop, preprocessing)
        within = x0 / width, y0 / height, x1 / width, y1 / height
    corners = (crop.x0, crop.y0), (crop.x1, crop.y1)
    board = Board(as_address(whole), f"{whole.title}. {told}", width / height, "box", corners, shade=True, seen=within)
    draw("w_crop_board", board, partial(_drawn, key, take))
    st.caption(f"{HOW['box']} {told} Dashed in white: what the network sees.")
    if st.button("Done", type="primary", key="crop_done", help=DONE_HELP):
        st.rerun()


def _drawn(key: Callable[[], str], take: Take, corners: tuple[Corner, ...]) -> None:
    """A part that is too narrow is taken as narrow as a part may be."""
    (ax, ay), (bx, by) = corners
    (x0, x1), (y0, y1) = (_apart(100 * min(ends), 100 * max(ends)) for ends in ((ax, bx), (ay, by)))
    take(joined(key(), Crop(x0, y0, x1, y1)))


def _show(whole: Picture, crop: Crop, preprocessing: Preprocessing) -> None:
    told, box = _said(whole, crop, preprocessing)
    address = data_address(outlined(whole.image, crop, box, LONGEST), "JPEG", quality=85)
    st.html(f'<img src="{address}" alt="The whole picture. {told}" style="width:100%;height:auto;border-radius:6px">')
    st.caption(told + (" Dark: cut away." if crop != WHOLE else ""))


def _said(whole: Picture, crop: Crop, preprocessing: Preprocessing) -> tuple[str, tuple[int, int, int, int]]:
    """What the network sees, in words and in pixels of the whole picture."""
    width, height = whole.image.size
    x0, y0, x1, y1 = (round(end) for end in seen(preprocessing, whole.image.size, crop))
    told = (
        f"The network sees columns {x0} to {x1} and rows {y0} to {y1} of {width} × {height}, "
        f"scaled to {preprocessing.crop} × {preprocessing.crop}."
    )
    return told, (x0, y0, x1, y1)


def _of(key: str) -> Crop:
    """The part that a key names; the whole where the address bar says nonsense, which the page itself tells."""
    _, text = split(key)
    try:
        return Crop.from_text(text) if text else WHOLE
    except ValueError:
        return WHOLE


def _taken(moved: str, key: Callable[[], str], take: Take) -> None:
    """The side that was moved; the other keeps what was drawn, finer than a slider's step."""
    now = _of(key())
    ends = {"across": (now.x0, now.x1), "down": (now.y0, now.y1)} | {
        moved: _apart(*st.session_state[f"w_crop_{moved}"])
    }
    (x0, x1), (y0, y1) = ends["across"], ends["down"]
    take(joined(key(), Crop(x0, y0, x1, y1)))


def _apart(low: float, high: float) -> tuple[float, float]:
    """The ends of a slider, in per cent, as shares at least the smallest side apart.

    >>> _apart(20, 20), _apart(100, 100), _apart(0, 40)
    ((0.2, 0.25), (0.95, 1.0), (0.0, 0.4))
    """
    left, right = round(low / 100, 3), round(high / 100, 3)
    if right - left >= SMALLEST:
        return left, right
    left = min(left, 1 - SMALLEST)
    return left, round(left + SMALLEST, 3)
