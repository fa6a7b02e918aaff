// Draws what arrives into a chart that stands already. Each part of a figure, a map with its caption, is an element of
// the page by itself, which is sent when it changes; together they are what the chart shows. Plotly cannot be called
// from here, but the page draws a chart whenever it hears that its data were changed.

const figures = new Map();
const LATER = 100, TRIES = 600;

let held = null;
const release = () => setTimeout(() => {
  held = null;
  for (const figure of figures.values()) figure.later();
}, 60);
// What a reader is drawing on a chart, a box to zoom in, is drawn to its end.
document.addEventListener("pointerdown", ({ target }) => (held = target.closest?.(".js-plotly-plot") ?? null), true);
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => held && release(), true);

// A chart that comes late, after its parts were drawn into the one before, or is drawn anew unheard, gets them as well.
let soon = null;
const look = () => {
  soon ??= setTimeout(() => {
    soon = null;
    for (const figure of figures.values()) figure.later();
  }, LATER);
};
new MutationObserver(look).observe(document.body, { childList: true, subtree: true });

class Figure {
  constructor(name) {
    this.name = name;
    this.parts = new Map();
    this.drawn = new WeakMap();
    this.version = 0;
  }

  put(key, part) {
    if (part) this.parts.set(key, part);
    else this.parts.delete(key);
    this.version += 1;
    this.tries = 0;
    this.later();
  }

  // The chart as it is now; one that it replaces stays in the document for a moment.
  get chart() {
    const all = [...document.querySelectorAll(`.${this.name} .js-plotly-plot`)].filter((chart) => chart._fullLayout?._size);
    return all.findLast((chart) => !chart.closest('[data-stale="true"]')) ?? all.at(-1);
  }

  later(wait = 0) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  draw() {
    const { chart } = this;
    if (!this.parts.size || (chart && chart === held)) return;
    if (!chart) {
      this.tries += 1;
      return this.tries < TRIES && this.later(LATER);
    }
    if (!this.drawn.has(chart)) chart.on("plotly_afterplot", () => this.lost(chart) && this.later());
    else if (this.drawn.get(chart) === this.version && !this.lost(chart)) return;
    this.drawn.set(chart, this.version);
    Object.assign(chart, this.whole(chart.layout));
    chart.emit("plotly_redraw");
  }

  lost(chart) {
    return chart.data.some(({ meta }) => meta === "frame");
  }

  whole(frame) {
    const parts = [...this.parts.values()].sort((one, other) => one.place - other.place).map(({ part }) => part);
    const sources = parts.find((part) => part.sources)?.sources;
    const domains = Object.entries(parts.find((part) => part.domains)?.domains ?? {}).filter(([axis]) => axis in frame);
    // An axis without a trace forgets how much of its domain was left out to keep a map's shape, so all begin anew.
    const axes = Object.fromEntries(domains.map(([axis, domain]) => [axis, { ...frame[axis], domain }]));
    const all = (kind) => parts.flatMap((part) => part[kind] ?? []);
    // A picture that has not come yet is drawn when it does.
    const come = all("images").filter(({ source }) => sources?.[source] !== undefined);
    const images = come.map((image) => ({ ...image, source: sources[image.source] }));
    const data = all("data");
    const layout = { ...frame, ...axes, annotations: all("annotations"), images };
    return { data, layout: Object.assign(layout, ...parts.map((part) => part.layout)) };
  }
}

export default function ({ data, parentElement }) {
  const figure = figures.get(data.chart) ?? new Figure(data.chart);
  figures.set(data.chart, figure);
  figure.put(parentElement, data);
  return () => figure.put(parentElement, null);
}
