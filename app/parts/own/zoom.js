// Zoom that outlives a chart: the page builds a chart anew whenever its data change, and this zooms the new one as the
// one before it was. Plotly cannot be called from here, so it is done as a reader does it, by drawing a box.

const zoomed = new Map();
const axes = (chart) => [chart._fullLayout.xaxis, chart._fullLayout.yaxis];
const ranges = (chart) => axes(chart).map((axis) => [...axis.range]);
const alike = (one, other) =>
  one.every((range, at) => range.every((end, side) => Math.abs(end - other[at][side]) < 0.02 * Math.abs(range[1] - range[0])));

// Remembers what a reader does with a new chart of maps, and does with it what was done with the one before.
export function follow(chart) {
  const key = /st-key-[\w-]+/.exec(chart.closest('[class*="st-key-figure_"]')?.className ?? "")?.[0];
  const ends = axes(chart).map((axis) => axis?.maxallowed);
  if (!key || ends.includes(undefined)) return;
  // A zoom belongs to pictures of one size.
  const place = `${key} ${ends}`, whole = ranges(chart), before = zoomed.get(place);
  if (before) draw(chart, before);
  chart.on("plotly_relayout", (change) => {
    if (!Object.keys(change ?? {}).some((part) => part.includes("axis"))) return;
    if (alike(whole, ranges(chart))) zoomed.delete(place);
    else zoomed.set(place, ranges(chart));
  });
}

function draw(chart, [across, down]) {
  const pane = chart.querySelector('.nsewdrag[data-subplot="xy"]');
  if (!pane || chart._fullLayout.dragmode !== "zoom") return;
  const box = chart.getBoundingClientRect(), [x, y] = axes(chart);
  const corner = (side) => ({
    clientX: box.left + x._offset + x.c2p(across[side]),
    clientY: box.top + y._offset + y.c2p(down[side]),
    bubbles: true,
    cancelable: true,
  });
  pane.dispatchEvent(new MouseEvent("mousedown", corner(0)));
  document.dispatchEvent(new MouseEvent("mousemove", corner(1)));
  document.dispatchEvent(new MouseEvent("mouseup", corner(1)));
}
