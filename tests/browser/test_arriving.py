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
# The frame is drawn in a narrow page, then the first part comes, then there is more room, then come the others.
GROWN = """async ({ code, frame, parts }) => {
  const put = (await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).default;
  const place = document.createElement("div"), chart = document.createElement("div");
  place.className = "st-key-figure_test";
  place.append(chart);
  document.body.append(place);
  await Plotly.newPlot(chart, frame.data, { ...frame.layout, width: 300, height: 600 });
  // As the page does where a chart says that its data were changed.
  chart.on("plotly_redraw", () => Plotly.react(chart, chart.data, chart.layout));
  const traces = () => chart._fullData.filter(({ type }) => type === "heatmap").length;
  const arrive = async (from, to) => {
    for (let n = from; n < to; n += 1) {
      put({ data: { chart: "st-key-figure_test", place: n, part: parts[n] }, parentElement: n });
    }
    while (traces() < to - 1) await new Promise((done) => setTimeout(done, 50));
  };
  await arrive(0, 2);
  await Plotly.relayout(chart, { width: 900 });
  await arrive(2, parts.length);
  const maps = [...chart.querySelectorAll(".heatmaplayer image")].map((map) => map.getBoundingClientRect());
  place.remove();
  return maps.map(({ width, height }) => [width, height]);
}"""


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


def test_maps_that_come_when_a_chart_has_more_room_are_as_large_as_those_before(page):
    page.goto("about:blank")
    page.add_script_tag(path=PLOTLY)
    frame, parts = parted(panes())
    code = (ROOT / "app" / "parts" / "own" / "part.js").read_text()
    sizes = page.evaluate(
        GROWN, {"code": code, "frame": json.loads(str(frame.to_json())), "parts": list(parts.values())}
    )
    assert len(sizes) == 4
    width, height = sizes[0]
    assert width == pytest.approx(height, abs=1)
    assert all(size == pytest.approx([width, height], abs=1) for size in sizes)
