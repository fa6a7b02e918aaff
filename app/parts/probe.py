"""The pixel probe: one pixel marked in all maps of a page and in its picture, with every value, in the browser."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.address.pixels import Pixel, inside
from app.parts.component import component

HINT = "Point at a map to read this pixel in all of them. A click pins it."
HTML = """
<div class="probe" role="group" aria-label="Pixel probe">
  <label>Row <input type="number" min="0" step="1" inputmode="numeric"></label>
  <label>Column <input type="number" min="0" step="1" inputmode="numeric"></label>
  <button type="button" title="Keeps this pixel marked and draws its values through the layers (Enter)">Pin</button>
  <button type="button" title="Takes the mark away (Esc)" hidden>Unpin</button>
  <div class="room"><div class="said" role="status" aria-label="Values of this pixel"></div></div>
</div>
"""
CSS = """
.probe {display:flex; flex-wrap:wrap; align-items:center; gap:.35rem .6rem; font-size:1rem; color:inherit}
.probe label {white-space:nowrap}
.probe input, .probe button {
  font:inherit; color:inherit; background:var(--st-secondary-background-color); padding:.15rem .4rem;
  border:1px solid var(--st-widget-border-color); border-radius:var(--st-base-radius)}
.probe input {width:4.6rem}
.probe button {cursor:pointer; padding-inline:.7rem}
.probe :focus-visible {outline:2px solid var(--st-primary-color); outline-offset:1px}
.probe .room {
  position:relative; flex:1 1 22rem; min-width:0; min-height:2.6em; max-height:50vh; overflow:hidden; line-height:1.3;
  opacity:.85; font-size:.93em}
@media (hover:hover) and (max-width:1000px) {.probe .room {min-height:3.9em}}
.probe .room::before {content:attr(data-pinned); visibility:hidden}
.probe .said {
  position:absolute; inset:0; overflow-y:auto; scrollbar-width:thin; display:flex; align-items:safe center;
  animation:probe_more linear; animation-timeline:scroll(self)}
@keyframes probe_more {
  0%, 95% {mask-image:linear-gradient(#000 calc(100% - 1.3em), #0003)}
  100% {mask-image:none}}
.probe-marks {position:absolute; inset:0; pointer-events:none; overflow:hidden}
.probe-marks i, .probe-marks b {position:absolute; box-sizing:border-box}
.probe-marks i {
  transform:translate(-50%, -50%); border:2px solid #fff; outline:1.5px solid #14191b; border-radius:1px}
.probe-marks .pin {border-color:#ff5c8a}
.probe-marks b {
  transform:translate(0, -50%); padding:0 4px; border-radius:3px; background:rgba(20,25,27,.86); color:#fff;
  font:600 11px/1.5 "Source Sans", sans-serif; white-space:pre}
.probe-marks .left {transform:translate(-100%, -50%)}
.probed-picture {position:relative; display:inline-block; line-height:0}
"""
_probe = component("probe", HTML, CSS)


def probe(
    size: Pixel,
    pin: Pixel | None,
    pinned: Callable[[Pixel | None], object],
    opened: Callable[[str], object] | None = None,
) -> None:
    """The line above the maps: row and column, Pin, and all values in words; once on a page.

    `size` is the picture's (height, width), `pin` the pixel that stays marked. `pinned(pixel)` is called when a reader
    pins one, or None when it is taken away; `opened(layer)` after that, where a map was clicked that leads somewhere.
    """

    def pin_told() -> None:
        told = st.session_state["probe"].pinned
        pinned(_pixel(told and told["pixel"], size))

    def open_told() -> None:
        told = st.session_state["probe"].opened
        pinned(_pixel(told["pixel"], size))
        if opened is not None:
            opened(str(told["layer"]))

    _probe(
        key="probe",
        data={"size": list(size), "pin": pin and list(pin), "hint": HINT},
        on_pinned_change=pin_told,
        on_opened_change=open_told,
    )


def _pixel(told: Any, size: Pixel) -> Pixel | None:
    """What came from the browser, where it is a pixel of the picture."""
    whole = isinstance(told, list) and len(told) == 2 and all(type(part) is int and part >= 0 for part in told)
    return inside((told[0], told[1]), size) if whole else None
