"""Parts of a figure that come one after the other, drawn by the real Plotly into a chart that changes its size."""

import json
from pathlib import Path

import plotly
import plotly.graph_objects as go
import pytest

from app.figures.parted import parted
from tests.support.places import ROOT

pytestmark = pytest.mark.browser

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
# What happens before the last parts come: the chart gets more room, or is drawn anew from a copy of the frame's layout,
# into which Plotly had written.
GROWN = "chart => Plotly.relayout(chart, { width: 900 })"
ANEW = "(chart, { data }, layout) => Plotly.react(chart, data, { ...layout, width: 900 })"
# A reader looks closer.
CLOSER = """chart => Plotly.relayout(chart, { "xaxis.range": [2, 5], "yaxis.range": [5, 2] })"""
# The frame is drawn in a narrow page; each part comes by itself.
FRAMED = """
  const put = (await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).default;
  const place = document.createElement("div"), chart = document.createElement("div");
  place.className = "st-key-figure_test";
  place.append(chart);
  document.body.append(place);
  const layout = { ...frame.layout, width: 300, height: 600 };
  await Plotly.newPlot(chart, frame.data, layout);
  const copy = structuredClone(layout);
  // As the page does where a chart says that its data were changed.
  chart.on("plotly_redraw", () => Plotly.react(chart, chart.data, chart.layout));
  const come = (n) => put({ data: { chart: "st-key-figure_test", place: n, part: parts[n] }, parentElement: n });
"""
# Some parts come, then something happens, then come the others.
FILLED = (
    """async ({ code, frame, parts, some, happens }) => {"""
    + FRAMED
    + """
  const sizes = () => [...chart.querySelectorAll(".heatmaplayer image")].map((map) => {
    const { width, height } = map.getBoundingClientRect();
    return [width, height];
  });
  const arrive = async (from, to) => {
    for (let n = from; n < to; n += 1) come(n);
    let before;
    do {
      before = JSON.stringify(sizes());
      await new Promise((done) => setTimeout(done, 200));
    } while (sizes().length < to - 1 || JSON.stringify(sizes()) !== before);
  };
  await arrive(0, some);
  await eval(happens)(chart, frame, copy);
  await arrive(some, parts.length);
  const { xaxis, yaxis } = chart._fullLayout, found = { sizes: sizes(), ranges: [[...xaxis.range], [...yaxis.range]] };
  place.remove();
  return found;
}"""
)

# Maps, and pictures over them, before and after the last part has come, which has what the pictures are of.
PICTURED = (
    """async ({ code, frame, parts }) => {"""
    + FRAMED
    + """
  const count = () => [".heatmaplayer", ".imagelayer"].map((layer) => chart.querySelectorAll(`${layer} image`).length);
  const until = async (wanted) => {
    for (let tries = 0; tries < 100 && `${count()}` !== `${wanted}`; tries += 1) {
      await new Promise((done) => setTimeout(done, 100));
    }
    return count();
  };
  for (let n = 0; n < parts.length - 1; n += 1) come(n);
  const before = await until([4, 0]);
  come(parts.length - 1);
  const after = await until([4, 1]);
  place.remove();
  return [before, after];
}"""
)


def panes() -> go.Figure:
    """Two by two maps of one shape, as the grid has them."""
    lower, upper = [0, 0.45], [0.55, 1]
    figure = go.Figure()
    for number, (left, bottom) in enumerate(((lower, upper), (upper, upper), (lower, lower), (upper, lower))):
        name = str(number + 1) if number else ""
        figure.add_heatmap(z=[[0.0] * 8] * 8, xaxis=f"x{name}", yaxis=f"y{name}")
        across = {"range": [-0.5, 7.5], "domain": left, "anchor": f"y{name}", "constrain": "domain"}
        down = {"range": [7.5, -0.5], "domain": bottom, "anchor": f"x{name}", "constrain": "domain"}
        across |= {"matches": "x"} if number else {}
        down |= {"matches": "y"} if number else {"scaleanchor": "x"}
        figure.update_layout({f"xaxis{name}": across, f"yaxis{name}": down})
    return figure


def one_pane() -> go.Figure:
    """One map alone, whose axes say nothing of their domain."""
    across, down = ({"range": ends, "constrain": "domain"} for ends in ([-0.5, 7.5], [7.5, -0.5]))
    layout = {"xaxis": across, "yaxis": down | {"scaleanchor": "x"}, "margin": dict.fromkeys("lrtb", 0)}
    return go.Figure([{"type": "heatmap", "z": [[0.0] * 8] * 8}], layout)


def filled(page, figure: go.Figure, script: str = FILLED, **how: object) -> dict | list:
    """What there is to be seen of a figure that has filled in."""
    page.goto("about:blank")
    page.add_script_tag(path=PLOTLY)
    frame, parts = parted(figure)
    given = {"frame": json.loads(str(frame.to_json())), "parts": list(parts.values())}
    code = (ROOT / "app" / "parts" / "own" / "part.js").read_text()
    return page.evaluate(script, given | how | {"code": code})


def test_a_zoom_outlives_maps_that_arrive(page):
    assert filled(page, panes(), some=3, happens=CLOSER)["ranges"] == [[2, 5], [5, 2]]


def test_maps_are_drawn_though_the_pictures_over_them_have_not_come_yet(page):
    figure = panes()
    dot = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
    figure.add_layout_image(source=dot, x=0, y=0, sizex=4, sizey=4, xref="x", yref="y")
    assert filled(page, figure, PICTURED) == [[4, 0], [4, 1]]
    assert page.complaints == []


@pytest.mark.parametrize("happens", [GROWN, ANEW], ids=["grown", "anew"])
@pytest.mark.parametrize(("figure", "some"), [(panes(), 2), (one_pane(), 2)], ids=["four", "one"])
def test_maps_keep_their_shape_and_are_as_large_as_there_is_room(page, figure, some, happens):
    sizes = filled(page, figure, some=some, happens=happens)["sizes"]
    assert len(sizes) == len(figure.data)
    # Pixels, the lesser of what there is across and down.
    room = 600 if len(sizes) == 1 else sizes[0][0]
    assert all(size == pytest.approx([room, room], abs=1) for size in sizes)
