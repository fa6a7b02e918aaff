"""A picture on which a reader draws a box or a polygon, with the mouse, a finger or the keyboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from app.inputs.outline import MOST, Corner
from app.parts.component import component

HTML = """
<div class="draw"><div class="board"><img draggable="false"><svg viewBox="0 0 100 100" preserveAspectRatio="none"
aria-hidden="true"></svg><div class="handles"></div></div></div>
"""
CSS = """
.draw {display:flex; justify-content:center; padding:9px}
.draw .board {position:relative; width:min(100%, calc(58vh * var(--ratio))); line-height:0; cursor:crosshair;
  touch-action:none; user-select:none}
.draw img {display:block; width:100%; border-radius:4px}
.draw svg {position:absolute; inset:0; width:100%; height:100%; overflow:visible}
.draw svg * {fill:none; vector-effect:non-scaling-stroke}
.draw .shade {fill:rgba(0, 0, 0, .58)}
.draw .seen {stroke:#fff; stroke-width:1.5; stroke-dasharray:5 4}
.draw .under {stroke:#14191b; stroke-width:4}
.draw .over {stroke:#ff5c8a; stroke-width:2}
.draw .handles button {
  position:absolute; width:16px; height:16px; margin:-8px 0 0 -8px; padding:0; border-radius:50%; cursor:grab;
  background:#ff5c8a; border:2px solid #fff; box-shadow:0 0 0 1px #14191b}
.draw .handles button:focus-visible {outline:3px solid #4fb8bd; outline-offset:2px}
"""
_draw = component("draw", HTML, CSS)


@dataclass(frozen=True)
class Board:
    """What is drawn on: a picture as a data address, what it shows in `words`, and the `corners` that are there.

    `ratio` is its width by its height, `kind` "box" or "polygon"; `shade` darkens what lies outside; `seen` is a box
    that is shown beside, as shares.
    """

    picture: str
    words: str
    ratio: float
    kind: str
    corners: Sequence[Corner] = ()
    shade: bool = False
    seen: tuple[float, float, float, float] | None = None


def draw(key: str, board: Board, drawn: Callable[[tuple[Corner, ...]], object]) -> None:
    """The board; `drawn(corners)` is told of every new outline, in shares of the picture's sides."""

    def told() -> None:
        if (corners := _corners(st.session_state[key].drawn, board.kind)) is not None:
            drawn(corners)

    _draw(
        key=key,
        data={
            "picture": board.picture,
            "words": board.words,
            "ratio": board.ratio,
            "kind": board.kind,
            "corners": [list(corner) for corner in board.corners],
            "shade": board.shade,
            "seen": board.seen and list(board.seen),
        },
        on_drawn_change=told,
    )


def _corners(told: object, kind: str) -> tuple[Corner, ...] | None:
    """What came from the browser, where it is an outline of that kind.

    >>> _corners({"kind": "box", "corners": [[0, 0.5], [1, 1]]}, "box")
    ((0.0, 0.5), (1.0, 1.0))
    >>> _corners({"kind": "box", "corners": [[0, "x"], [1, 1]]}, "box"), _corners(None, "box")
    (None, None)
    """
    corners = told.get("corners") if isinstance(told, dict) and told.get("kind") == kind else None
    if not isinstance(corners, list) or not 2 <= len(corners) <= MOST:
        return None
    pairs = [tuple(corner) for corner in corners if isinstance(corner, list) and len(corner) == 2]
    numbers = all(type(share) in (int, float) and 0 <= share <= 1 for pair in pairs for share in pair)
    return tuple((float(x), float(y)) for x, y in pairs) if numbers and len(pairs) == len(corners) else None
