"""The object of the picture: drawn with the mouse, or given in numbers; concentration and localisation go by it."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from app.figures.raster import data_address
from app.inputs.outline import EXPECTED, Corner, Outline, drawn, split_outline
from app.inputs.pictures import Picture
from app.parts.bound import segments
from app.parts.draw import Board, draw
from app.words import counted

LONGEST = 720
KINDS = {"box": "Box", "polygon": "Polygon"}
KIND_HELP = "A box around the object, or a line around it with as many corners as it needs."
DRAW_HELP = "Opens the picture large: draw around the object with the mouse or a finger."
DONE_HELP = "Closes the picture; what is drawn stays."
AWAY_HELP = "The picture's own outline counts again, where it has one."
USE_HELP = "Makes these numbers the object's outline: the same as drawing it."
HOW = {
    "box": "Press at one corner and draw to the other. Corners can be moved, with the arrow keys as well, and the "
    "whole box carried.",
    "polygon": "Press and draw around the object in one go; or click corner after corner, and Enter or a double click "
    "at the end. Corners can be moved, with the arrow keys as well; Delete takes one away.",
}
BOX = ("left", "top", "right", "bottom")
CORNERS_HELP = "Corner after corner: per cent from the left and per cent from the top, with commas between corners."
SECTION = "Object"

Take = Callable[[str], None]


def object_control(key: Callable[[], str], whole: Picture, large: Callable[[], Picture], take: Take) -> None:
    """Which object `whole` shows, as far as anybody knows; `take` gets the picture's key with another outline.

    `key()` is that of the picture as it is chosen now, which a drawing changes; `large()` the picture to draw on.
    """
    outline = of(key())
    with st.expander(SECTION + (" (drawn)" if outline else ""), key="object"):
        st.caption(said(whole, outline))
        if st.button("Draw it", icon=":material/draw:", key="object_draw", help=DRAW_HELP):
            _dialog(key, large(), take)
        kind = _kind(outline, "w_object_kind")
        _numbers(kind, outline or suggested(whole), key, take)
        st.button(
            "Take the drawing away", key="object_away", disabled=outline is None, on_click=_away, args=(key, take),
            help=AWAY_HELP,
        )  # fmt: skip


def of(key: str) -> Outline | None:
    """The outline in a key; None where there is none, or where the address bar says nonsense, which the page tells."""
    try:
        return Outline.from_text(split_outline(key)[1])
    except ValueError:
        return None


def said(whole: Picture, outline: Outline | None) -> str:
    """What counts as the object."""
    if outline is not None:
        what = "the box" if outline.is_box else f"the polygon of {counted(len(outline.corners), 'corner')}"
        return f"The object is {what} that you have drawn: {outline.area:.0%} of the picture."
    if whole.mask is not None:
        return "The object is known pixel by pixel: this picture was drawn with it."
    return "A box around the object is known." if whole.box else "Nobody has said what the object is. Draw it."


def suggested(whole: Picture) -> Outline:
    """What the numbers begin with: the box that is known, else the middle of the picture."""
    if whole.box is None:
        return Outline(((0.25, 0.25), (0.75, 0.75)))
    (width, height), (x0, y0, x1, y1) = whole.image.size, whole.box
    return Outline.of(((x0 / width, y0 / height), (x1 / width, y1 / height))) or Outline(((0, 0), (1, 1)))


@st.dialog("Draw the object", width="large", on_dismiss="rerun")
def _dialog(key: Callable[[], str], whole: Picture, take: Take) -> None:
    outline = of(key())
    kind = _kind(outline, "w_object_kind_large")
    corners, words = outline.as_kind(kind) if outline else (), f"{whole.title}. {said(whole, outline)}"
    board = Board(as_address(whole), words, whole.image.width / whole.image.height, kind, corners)
    draw("w_object_board", board, partial(_drawn, key, take))
    st.caption(HOW[kind] + " " + said(whole, outline))
    if st.button("Done", type="primary", key="object_done", help=DONE_HELP):
        st.rerun()


def as_address(whole: Picture) -> str:
    """The picture, no larger than it is drawn on, as a data address."""
    image = whole.image.convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    return data_address(image, "JPEG", quality=88)


def _kind(outline: Outline | None, control: str) -> str:
    """Box or polygon: as it was drawn, or as was chosen since."""
    drawn_as = "polygon" if outline is not None and not outline.is_box else "box"
    chosen = st.session_state.setdefault("object_kind", drawn_as)

    def change(kind: str) -> None:
        st.session_state["object_kind"] = kind

    segments(control, "Shape", KINDS, chosen, change, KIND_HELP)
    return st.session_state["object_kind"]


def _numbers(kind: str, shown: Outline, key: Callable[[], str], take: Take) -> None:
    corners = shown.as_kind(kind)
    with st.form("object_numbers", border=False):
        if kind == "box":
            for pair in (BOX[:2], BOX[2:]):
                for column, end in zip(st.columns(2), pair, strict=True):
                    share = corners[BOX.index(end) // 2][BOX.index(end) % 2]
                    st.session_state[f"w_object_{end}"] = round(100 * share, 1)
                    column.number_input(
                        f"{end.capitalize()} (%)", 0.0, 100.0, step=1.0, format="%.1f", key=f"w_object_{end}",
                        help=f"The {end} end of the box, in per cent of the picture's side.",
                    )  # fmt: skip
        else:
            st.session_state["w_object_corners"] = written(corners)
            st.text_input("Corners (%)", key="w_object_corners", help=CORNERS_HELP)
        st.form_submit_button("Use these numbers", on_click=_given, args=(kind, key, take), help=USE_HELP)
    if message := st.session_state.pop("object_error", ""):
        st.error(message)


def written(corners: tuple[Corner, ...]) -> str:
    """Corners as one types them.

    >>> written(((0.2, 0.25), (0.5, 1)))
    '20 25, 50 100'
    """
    return ", ".join(f"{100 * x:.4g} {100 * y:.4g}" for x, y in corners)


def read(text: str) -> tuple[Corner, ...]:
    """The corners that were typed; none where it is anything else.

    >>> read("20 25, 50 100"), read("20 25, x"), read("20,25 50,100")
    (((0.2, 0.25), (0.5, 1.0)), (), ())
    """
    try:
        pairs = [tuple(float(part) / 100 for part in pair.split()) for pair in text.split(",")]
    except ValueError:
        return ()
    return tuple((pair[0], pair[1]) for pair in pairs) if all(len(pair) == 2 for pair in pairs) else ()


def _given(kind: str, key: Callable[[], str], take: Take) -> None:
    if kind == "box":
        left, top, right, bottom = (st.session_state[f"w_object_{end}"] / 100 for end in BOX)
        corners = ((left, top), (right, bottom)) if left < right and top < bottom else ()
    else:
        corners = read(st.session_state["w_object_corners"])
        corners = corners if len(corners) > 2 else ()
    if not _drawn(key, take, corners):
        st.session_state["object_error"] = EXPECTED[:1].upper() + EXPECTED[1:] + "."


def _drawn(key: Callable[[], str], take: Take, corners: tuple[Corner, ...]) -> bool:
    """Whether the corners are an outline, which is then taken."""
    outline = Outline.of(corners)
    if outline is not None:
        take(drawn(key(), outline))
    return outline is not None


def _away(key: Callable[[], str], take: Take) -> None:
    take(drawn(key(), None))
