"""What all figures share: colours that read on light and dark pages, axes in pixels, quiet margins."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

NATS_SCALE = "Viridis"
# Red above zero, as everywhere in the field.
SIGNED_SCALE = "RdBu_r"
# Of probabilities, which are no maps of a method.
UNIT_SCALE = "Cividis"
UNBOUNDED_FILL = "#8d9494"
FONT = '"Source Sans", "Source Sans Pro", sans-serif'


@dataclass(frozen=True)
class Look:
    """Ink on the page's own background, which shows through."""

    text: str
    faint: str
    accent: str
    second: str

    @staticmethod
    def of(theme: str | None) -> "Look":
        """The look for "light" or "dark"."""
        return DARK if theme == "dark" else LIGHT


LIGHT = Look(text="#1d2629", faint="#d9dcd5", accent="#0f6b72", second="#b4541a")
DARK = Look(text="#e4e8e6", faint="#3a4448", accent="#4fb8bd", second="#f0a35e")

# In place of the library's own, or of the one that Streamlit puts there: thousands of bytes that no figure shows.
TEMPLATE = {"data": {"scatter": [{"type": "scatter", "marker": {"line": {"width": 0}}}]}}

PLAIN_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "scrollZoom": False,
}


def dress(figure: go.Figure, look: Look, height: int, **margin: int) -> go.Figure:
    """Puts the `dressing` on."""
    # An update would be added to the template that is there.
    figure.layout.template = TEMPLATE
    return figure.update_layout(dressing(look, height, **margin))


def dressing(look: Look, height: int, **margin: int) -> dict[str, Any]:
    """Of a layout: transparent paper, the page's ink, margins in pixels."""
    return {
        "template": TEMPLATE,
        "height": height,
        # Without autoexpand, so that figures side by side keep one frame whatever stands around it.
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "autoexpand": False} | margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": look.text, "size": 12, "family": FONT},
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": look.text, "activecolor": look.accent},
    }


def heatmap(z: np.ndarray, size: tuple[int, int], **how: object) -> dict[str, Any]:
    """The trace of a map (rows, columns) on a picture of `size` pixels, crisp, and nothing where it is not finite."""
    dy, dx = size[0] / z.shape[0], size[1] / z.shape[1]
    place = {"x0": dx / 2 - 0.5, "dx": dx, "y0": dy / 2 - 0.5, "dy": dy}
    return {"type": "heatmap", "z": z, "zsmooth": False, "hoverongaps": False} | place | how


def place_words(shape: tuple[int, ...], size: tuple[int, int]) -> str:
    """What a hover text says of where it is: the pixel, or of a cell of several its size, as its middle is no pixel.

    >>> place_words((32, 32), (32, 32)), place_words((8, 16), (32, 32))
    ('row %{y:.0f}, column %{x:.0f}<br>', 'a cell of 4 × 2 pixels<br>')
    """
    if shape[:2] == size:
        return "row %{y:.0f}, column %{x:.0f}<br>"
    return f"a cell of {size[0] / shape[0]:.3g} × {size[1] / shape[1]:.3g} pixels<br>"


def bare_axis(look: Look) -> dict[str, Any]:
    """A line around a map, without numbers."""
    quiet = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    return quiet | {"showline": True, "mirror": True, "linecolor": look.faint}


def pixel_axes(height: int, width: int, look: Look) -> dict[str, Any]:
    """Of a layout: square pixels, row 0 on top, ticks in pixels of the picture; the zoom survives new data."""
    quiet = {
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": look.faint,
        "constrain": "domain",
        "nticks": 5,
        "tickfont": {"size": 10},
    }

    def title(text: str) -> dict:
        return {"text": text, "font": {"size": 11}, "standoff": 4}

    # The limits keep zooming and panning on the picture.
    right, bottom = width - 0.5, height - 0.5
    across = {"title": title("column (pixels)"), "range": [-0.5, right], "minallowed": -0.5, "maxallowed": right}
    down = {"title": title("row (pixels)"), "range": [bottom, -0.5], "minallowed": -0.5, "maxallowed": bottom}
    return {
        "xaxis": quiet | across,
        "yaxis": quiet | down | {"scaleanchor": "x", "scaleratio": 1},
        "uirevision": "keep",
        "dragmode": "zoom",
    }
