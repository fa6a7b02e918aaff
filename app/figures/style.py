"""What all figures share: colours that read on light and dark pages, axes in pixels, quiet margins."""

from dataclasses import dataclass

import plotly.graph_objects as go

NATS_SCALE = "Viridis"
UNIT_SCALE = "Cividis"
UNIT_LIMITS = (0.0, 1.0)
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

PLAIN_CONFIG = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "scrollZoom": False,
}


def dress(figure: go.Figure, look: Look, height: int, **margin: int) -> go.Figure:
    """Transparent paper, the page's ink, margins in pixels."""
    # Without autoexpand, so that figures side by side keep one frame whatever stands around it.
    edges = {"l": 8, "r": 8, "t": 8, "b": 8, "autoexpand": False} | margin
    return figure.update_layout(
        height=height,
        margin=edges,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": look.text, "size": 12, "family": FONT},
        hoverlabel={"font": {"family": FONT, "size": 12}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": look.text, "activecolor": look.accent},
    )


def pixel_axes(figure: go.Figure, height: int, width: int, look: Look) -> go.Figure:
    """Square pixels, row 0 on top, ticks in pixels of the picture; the zoom survives new data."""
    quiet = {
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": look.faint,
        "constrain": "domain",
        "nticks": 5,
        "tickfont": {"size": 10},
        "title_font": {"size": 11},
        "title_standoff": 4,
    }
    # The limits keep zooming and panning on the picture.
    right, bottom = width - 0.5, height - 0.5
    figure.update_xaxes(title_text="column (pixels)", range=[-0.5, right], minallowed=-0.5, maxallowed=right, **quiet)
    figure.update_yaxes(
        title_text="row (pixels)",
        range=[bottom, -0.5],
        minallowed=-0.5,
        maxallowed=bottom,
        scaleanchor="x",
        scaleratio=1,
        **quiet,
    )
    return figure.update_layout(uirevision="keep", dragmode="zoom")
