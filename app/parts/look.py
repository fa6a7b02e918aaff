"""What the theme cannot say: the thumbnails' grid and the row of figures. No script, no foreign address."""

import numpy as np
import streamlit as st
from PIL import Image

from app.figures.raster import raster
from app.figures.style import NATS_SCALE, Look
from app.parts.sideways import CSS as SIDEWAYS

# Pixels of a column of text: about seventy characters a line read best.
READING = 680
CSS = f"""
<style>{SIDEWAYS}"""
CSS += """
.st-key-w_picture [role="radiogroup"] {
  display:grid; grid-template-columns:repeat(4, 1fr); gap:8px; width:100%}
.st-key-w_picture label + div {width:100%}
.st-key-w_picture [role="radiogroup"] button {
  aspect-ratio:1; width:100%; height:auto; min-height:0; max-height:none; padding:0; border-radius:6px;
  background-size:cover; background-position:center; border:1px solid rgba(128,128,128,.35)}
.st-key-w_picture [role="radiogroup"] button > * {opacity:0}
.st-key-w_picture [role="radiogroup"] button:hover {filter:brightness(1.08)}
.st-key-w_picture [role="radiogroup"] button[aria-checked="true"] {
  outline:3px solid light-dark(#0f6b72, #4fb8bd); outline-offset:1px}
.st-key-w_source [role="radiogroup"] {flex-wrap:nowrap}
.st-key-w_source [role="radiogroup"] button {flex:1 1 auto; min-width:0; padding-inline:.25rem}
.st-key-w_source [role="radiogroup"] button p {font-size:.8rem; white-space:nowrap}
.st-key-figures, .st-key-figures_ru {flex-wrap:wrap}
.st-key-figures > div {flex:1 1 300px; min-width:280px; max-width:520px}
.st-key-figures_ru > div {flex:1 1 230px; min-width:220px; max-width:520px}
.st-key-figures > div, .st-key-figures_ru > div {container-type:inline-size}
.st-key-series {flex-wrap:wrap}
.st-key-series > div:first-child {flex:2 1 360px; min-width:300px}
.st-key-series > div:last-child {flex:3 1 460px; min-width:300px}
.st-key-answers {flex-wrap:wrap; column-gap:2.5rem}
.st-key-answers > div:first-child {flex:1 1 270px; min-width:260px}
.st-key-answers > div:last-child {flex:2 1 400px; min-width:260px}
.st-key-grid_head > div:last-child {flex:1 1 330px; min-width:0}
.st-key-grid_choices, .st-key-grid_style {flex-wrap:wrap}
.st-key-grid_choices > div:last-child {flex:1 1 240px}
.st-key-figures_closer, .st-key-figures_agreement, .st-key-closer_pair, .st-key-closer_numbers {flex-wrap:wrap}
.st-key-figures_closer > div {flex:1 1 225px; min-width:220px; max-width:520px; container-type:inline-size}
.st-key-figures_closer [class*="st-key-figure_"] {height:min(392px, 100cqw + 48px)}
.st-key-film_frame {container-type:inline-size}
.st-key-figures_agreement > div {flex:1 1 380px; min-width:300px; max-width:640px}
.st-key-noise_charts {flex-wrap:wrap}
.st-key-noise_charts > div {flex:1 1 340px; min-width:280px}
.st-key-closer_pair > div {flex:0 1 230px; min-width:180px}
.st-key-closer_numbers > div {flex:0 1 230px; min-width:150px}
@media (max-width:1000px) {[data-testid="stTopNavLink"] > span:first-child:not([label]) {display:none}}
[data-testid="stPopoverBody"] {max-width:min(620px, 92vw)}
.st-key-numbers > div, .st-key-numbers_more > div {flex:1 1 128px; min-width:118px}
</style>
"""


# What a reader with weak eyes needs and the theme has no word for: captions and key caps at 4.5:1 (Streamlit fades them
# to 60 %), dark letters on the dark theme's light accent, and formulas as wide as their last letter leans.
# An uploader says all the kinds of files that it takes, in as many lines as that needs.
# Where nothing hovers, a table's toolbar is always there and needs a place of its own.
LEGIBLE = """
<style>
[data-testid="stCaptionContainer"], [data-testid] kbd {opacity:.8}
[data-testid="stBaseButton-primary"], .stMultiSelect [data-tag], .stMultiSelect [data-tag] > span {
  color:light-dark(#ffffff, #14191b)}
.katex-display > .katex {padding-inline:.25em}
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-parts_"]), [class*="st-key-parts_"] {display:none}
[data-testid="stElementContainer"]:has(i.unseen) {display:none}
[data-testid="stFileUploaderDropzoneInstructions"] span {white-space:normal}
@media (min-width:769px) and (max-width:1000px) {[data-testid="stSidebarUserContent"] {margin-inline:-16px}}
@media (max-width:1000px) {[data-testid="stButtonGroup"] [role="radiogroup"] {flex-wrap:wrap}}
@media (max-width:768px) {
  [data-testid="stExpandSidebarButton"] {width:auto; padding-inline:.5rem}
  [data-testid="stExpandSidebarButton"]::after {content:"Menu"; margin-left:.35rem; font-size:1rem}}
@media (hover:none) {[data-testid="stElementContainer"]:has([data-testid="stDataFrame"]) {margin-top:1.75rem}}
</style>
"""


def icon() -> Image.Image:
    """A tiny map as the page's icon; a named icon would be fetched from another server."""
    values = np.hypot(*np.mgrid[-1.5:2, -1.5:2])
    return raster(values, (0, 2.2), NATS_SCALE).resize((64, 64), Image.Resampling.NEAREST)


def apply() -> None:
    st.html(CSS)


def legible() -> None:
    """For every page alike."""
    st.html(LEGIBLE)


def look() -> Look:
    """Colours of figures for the theme this browser shows."""
    return Look.of(st.context.theme.type)
