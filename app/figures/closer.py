"""Maps looked at closer: in any unit, marked by value, one against another, and as a histogram."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.compare import DIFFERENCE_SCALE
from app.figures.ends import Ends, beyond_words, scale_words
from app.figures.maps import HEIGHT, MARGIN, crossed, nats_figure
from app.figures.remembered import remembered
from app.figures.style import Look, dress, heatmap, place_words

# Over what is not marked, on a light and on a dark page alike.
VEIL = "rgba(120,128,130,0.82)"
OBJECT, BACKGROUND = "object", "background"


@remembered
def value_map(
    cells: np.ndarray, size: tuple[int, int], limits: tuple[float, float], scale: str, unit: str, look: Look,
    ends: Ends | None = None,
) -> go.Figure:  # fmt: skip
    """A map (rows, columns) in any unit on the colours `scale` between `limits`; `size` in pixels."""
    figure = nats_figure(cells, size, limits, look)
    title = "<br>".join(filter(None, (scale_words(ends, unit), crossed(cells), beyond_words([cells], limits))))
    return figure.update_traces(
        selector={"type": "heatmap"},
        colorscale=scale,
        colorbar_title_text=title,
        hovertemplate=f"{place_words(cells.shape, size)}%{{z:,.4r}} {unit}<extra></extra>",
    )


@remembered
def difference_map(values: np.ndarray, size: tuple[int, int], unit: str, look: Look) -> go.Figure:
    """B − A per cell on a scale whose middle is zero; what one of the maps does not bound is crossed."""
    marked = np.where(np.isfinite(values), values, np.inf)
    finite = np.abs(values[np.isfinite(values)])
    limit = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    figure = nats_figure(marked, size, (-limit, limit), look)
    return figure.update_traces(
        selector={"type": "heatmap"},
        colorscale=DIFFERENCE_SCALE,
        zmid=0,
        colorbar_title_text="<br>".join(filter(None, (f"B − A ({unit})", crossed(marked)))),
        hovertemplate=f"{place_words(values.shape, size)}B − A = %{{z:+,.4r}} {unit}<extra></extra>",
    )


@remembered
def scatter_figure(first: np.ndarray, second: np.ndarray, unit: str, look: Look) -> go.Figure:
    """Every cell that both maps bound: its value in A across, in B upwards; the line is where both are equal."""
    both = np.isfinite(first) & np.isfinite(second)
    x, y = first[both].astype(np.float32), second[both].astype(np.float32)
    rows, columns = np.nonzero(both)
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "customdata": np.stack([rows, columns], 1).astype(np.int16),
        "marker": {"size": 4, "opacity": 0.35, "color": look.accent},
        "hovertemplate": f"A %{{x:,.4r}}, B %{{y:,.4r}} {unit}<br>"
        + "row %{customdata[0]}, column %{customdata[1]} of the cells"
        "<extra></extra>",
    }
    traces = [points]
    if len(x):
        low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
        equal = {"x": [low, high], "y": [low, high], "line": {"color": look.text, "width": 1, "dash": "dot"}}
        traces.insert(0, {"type": "scatter", "mode": "lines", "hoverinfo": "skip"} | equal)
    figure = dress(go.Figure(traces), look, HEIGHT, **MARGIN | {"b": 60, "l": 54})
    _axes(figure, look)
    figure.update_xaxes(title={"text": f"A ({unit})", "font": {"size": 11}})
    figure.update_yaxes(title={"text": f"B ({unit})", "font": {"size": 11}})
    return figure.update_layout(showlegend=False, uirevision="keep")


@remembered
def histogram_figure(
    edges: np.ndarray, shares: Sequence[tuple[str, np.ndarray]], marked: tuple[float, float] | None, unit: str,
    look: Look,
) -> go.Figure:  # fmt: skip
    """Which share of each part of the picture has values between two `edges`; what is `marked` stands out."""
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    colours = {OBJECT: look.second, BACKGROUND: look.accent}
    inside = [marked is None or marked[0] <= middle <= marked[1] for middle in middles]
    bars = [
        {
            "type": "bar",
            "x": middles,
            "y": values * 100,
            "width": widths,
            "name": name,
            "opacity": 0.65,
            "marker": {
                "color": colours.get(name, look.accent),
                "opacity": [1.0 if one else 0.3 for one in inside],
                "line": {"width": 0},
                "pattern": {"shape": "/" if name == OBJECT else "", "fillmode": "overlay", "size": 6, "solidity": 0.2},
            },
            # What is marked is drawn so by itself.
            "selected": {"marker": {"opacity": 1}},
            "unselected": {"marker": {"opacity": 0.3 if marked else 1}},
            "hovertemplate": "%{y:.1f} % of the " + name + "<br>about %{x:,.4r} " + unit + "<extra></extra>",
        }
        for name, values in shares
    ]
    figure = dress(go.Figure(bars), look, HEIGHT, **MARGIN | {"b": 60, "l": 54, "t": 34})
    _axes(figure, look)
    figure.update_xaxes(title={"text": unit, "font": {"size": 11}}, fixedrange=True)
    figure.update_yaxes(
        title={"text": "share of each part (%)", "font": {"size": 11}}, fixedrange=True, rangemode="tozero"
    )
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}}
    return figure.update_layout(
        barmode="overlay", legend=legend, dragmode="select", selectdirection="h", uirevision="keep", showlegend=True
    )


def veiled(figure: go.Figure, hidden: np.ndarray, size: tuple[int, int]) -> go.Figure:
    """A picture or map with a veil over the cells (rows, columns) that are `hidden`."""
    cover = heatmap(
        np.where(hidden, 1.0, np.nan),
        size,
        colorscale=[[0, VEIL], [1, VEIL]],
        zmin=0,
        zmax=1,
        showscale=False,
        hoverinfo="skip",
        name="not marked",
    )
    return figure.add_trace(cover)


def _axes(figure: go.Figure, look: Look) -> None:
    quiet = {"gridcolor": look.faint, "zeroline": False, "tickfont": {"size": 10}, "nticks": 6}
    figure.update_xaxes(**quiet)
    figure.update_yaxes(**quiet)
