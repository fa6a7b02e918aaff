"""Charts under a finger: for every page, once."""

from app.parts.component import component

# The browser scrolls and zooms by itself; a toolbar that opens under the first tap would lie over the picture.
CSS = """
@media (hover:none) {
  .js-plotly-plot .draglayer, .js-plotly-plot .draglayer * {touch-action:manipulation !important}
  .js-plotly-plot .modebar-container {display:none}
}
"""
_touch = component("touch", css=CSS)


def touch() -> None:
    """Leaves swipes and pinches on charts to the browser."""
    _touch(key="touch")
