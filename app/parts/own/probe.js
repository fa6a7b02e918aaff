// The pixel probe: marks the pixel under the pointer in every map and picture of the page and writes its values there.
// It runs in the page alone; only a click, which pins the pixel, tells the server.

import { follow } from "./zoom.js";

const MARKS = "probe-marks";
// Milliseconds within which a second click makes a double one.
const TWICE = 300;
const charts = () => [...document.querySelectorAll(".js-plotly-plot")].filter((chart) => chart._fullLayout?._size);
const described = (trace) => trace.meta?.probe;

// The maps of a chart, each with its axes; several traces may lie on one pane, of which the first has the values.
function panes(chart) {
  const found = new Map();
  for (const trace of chart._fullData ?? []) {
    if (!described(trace) || found.has(trace.xaxis)) continue;
    const layout = chart._fullLayout;
    const x = layout[trace.xaxis.replace("x", "xaxis")], y = layout[trace.yaxis.replace("y", "yaxis")];
    if (x?._length && y?._length) found.set(trace.xaxis, { chart, trace, x, y });
  }
  return [...found.values()];
}

// Rows and columns of the picture under a pane, where its axes say so.
const sizeOf = ({ x, y }, size) => (x.maxallowed === undefined ? size : [y.maxallowed + 0.5, x.maxallowed + 0.5]);

// A pixel of a picture of one size, as one of a picture of another.
const scaled = ({ row, column }, [height, width], [rows, columns]) => ({
  row: Math.floor(((row + 0.5) * rows) / height),
  column: Math.floor(((column + 0.5) * columns) / width),
});

// The cell of a map that a place along one axis, "x" or "y", lies in.
const cell = (trace, axis, at) => Math.round((at - trace[`${axis}0`]) / trace[`d${axis}`]);

// The pixel nearest to a place along an axis whose middle lies in the same cell: cells need not end where pixels do.
const nearest = (trace, axis, at) => {
  const pixel = Math.round(at), alike = (one) => trace.type !== "heatmap" || cell(trace, axis, one) === cell(trace, axis, at);
  return [pixel, pixel - 1, pixel + 1].find(alike) ?? pixel;
};

// What a pane shows at a pixel (row, column) of the picture.
function value({ trace }, { row, column }) {
  const shown = described(trace);
  if (trace.type === "image") {
    const colour = trace.z?.[row]?.[column];
    return colour ? `red ${colour[0]}, green ${colour[1]}, blue ${colour[2]}` : "";
  }
  const cells = trace.customdata ?? trace.z;
  if (!cells) return "";
  const found = cells[cell(trace, "y", row)]?.[cell(trace, "x", column)];
  if (found === undefined) return "";
  return found === null || Number.isNaN(found) ? "unbounded" : written(found, shown);
}

function written(number, { plus, ...shown }) {
  return (plus && number > 0 ? "+" : "") + unsigned(number, shown);
}

function unsigned(number, { decimals, digits, preview }) {
  if (preview) return `about ${signed(number.toFixed(0))}`;
  return signed(decimals === undefined ? String(Number(number.toPrecision(digits))) : number.toFixed(decimals));
}

// With a real minus sign, without one before zero, and with powers of ten as one writes them by hand.
function signed(text) {
  const [digits, power] = (/^-[0.]+$/.test(text) ? text.slice(1) : text).split("e");
  const raised = [...(power ?? "").replace("+", "")].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
  return digits.replace("-", "−") + (power ? `·10${raised}` : "");
}

const spoken = (pane, pixel, size) => {
  const { title, unit } = described(pane.trace), text = value(pane, scaled(pixel, size, sizeOf(pane, size)));
  return text && `${title}: ${text}${text === "unbounded" || pane.trace.type === "image" ? "" : ` ${unit}`}`;
};

// How wide the words of a mark are, in pixels, as its style writes them.
const pen = document.createElement("canvas").getContext("2d");
function wide(words) {
  pen.font = '600 11px "Source Sans", sans-serif';
  return 8 + Math.max(...words.split("\n").map((line) => pen.measureText(line).width));
}

// Changes the words of an element, whose node of text stays.
function write(element, text) {
  if (element.childNodes.length === 1 && element.firstChild.nodeType === Node.TEXT_NODE) element.firstChild.data = text;
  else element.textContent = text;
}

// Where a pointer is in whole pixels of the screen, which is all that Plotly's own label is told.
const whole = ({ pointerType, clientX, clientY }) => {
  const cut = pointerType === "touch" ? Math.round : Math.floor;
  return { clientX: cut(clientX), clientY: cut(clientY) };
};

class Probe {
  constructor(parent) {
    this.parent = parent;
    this.group = parent.querySelector(".probe");
    [this.row, this.column] = this.group.querySelectorAll("input");
    [this.pinning, this.clearing] = this.group.querySelectorAll("button");
    this.said = this.group.querySelector(".said");
    this.heard = new WeakSet();
    this.followed = new WeakSet();
    this.ending = new AbortController();
    const { signal } = this.ending;
    const on = (target, name, act) => target.addEventListener(name, act, { signal, capture: true, passive: true });
    on(document, "pointermove", (event) => this.pointed(event));
    on(document, "pointerdown", (event) => {
      // A double click is Plotly's, which shows all of the map again.
      this.twice = event.timeStamp - (this.pressed?.timeStamp ?? -TWICE) < TWICE;
      this.pressed = event;
      clearTimeout(this.telling);
    });
    on(document, "pointerup", (event) => this.released(event));
    on(document.documentElement, "pointerleave", ({ target }) => target === document.documentElement && this.point(null));
    for (const field of [this.row, this.column]) {
      on(field, "input", () => this.typed());
      on(field, "keydown", (event) => event.key === "Enter" && this.pinTyped());
    }
    on(this.group, "keydown", (event) => {
      if (event.key !== "Escape" || !(this.pixel || this.data.pin)) return;
      // It would also end a presentation.
      event.stopPropagation();
      this.pin(null);
    });
    on(this.pinning, "click", () => this.pinTyped());
    on(this.clearing, "click", () => this.pin(null));
    this.watcher = new MutationObserver((changes) => {
      if (changes.some((change) => !change.target.closest?.(`.${MARKS}, .probe`))) this.later();
    });
    this.watcher.observe(document.body, { childList: true, subtree: true });
  }

  show(data, tell) {
    Object.assign(this, { data, tell });
    for (const [field, last] of [[this.row, data.size[0] - 1], [this.column, data.size[1] - 1]]) field.max = last;
    if (document.activeElement !== this.row && document.activeElement !== this.column) this.written(data.pin);
    this.clearing.hidden = !data.pin;
    this.draw();
  }

  end() {
    this.ending.abort();
    this.watcher.disconnect();
    clearTimeout(this.resting);
    document.querySelectorAll(`.${MARKS}`).forEach((marks) => marks.remove());
  }

  // The pane or picture under a pointer, and the pixel there.
  under(event) {
    const chart = event.target.closest?.(".js-plotly-plot"), image = event.target.closest?.(".probed-picture");
    const [height, width] = this.data.size;
    const inside = (row, column) => ({
      row: Math.min(Math.max(Math.round(row), 0), height - 1),
      column: Math.min(Math.max(Math.round(column), 0), width - 1),
    });
    if (image) {
      const box = image.getBoundingClientRect();
      const down = (event.clientY - box.top) / box.height, across = (event.clientX - box.left) / box.width;
      return { image, pixel: inside(down * height - 0.5, across * width - 0.5) };
    }
    if (!chart?._fullLayout || event.target.closest(".modebar")) return null;
    const box = chart.getBoundingClientRect(), { clientX, clientY } = whole(event);
    for (const pane of panes(chart)) {
      const across = clientX - box.left - pane.x._offset, down = clientY - box.top - pane.y._offset;
      if (across >= 0 && down >= 0 && across <= pane.x._length && down <= pane.y._length)
        return { pane, pixel: this.at(pane, pane.y.p2c(down), pane.x.p2c(across), inside) };
    }
    return null;
  }

  at(pane, row, column, inside) {
    const [rows, columns] = sizeOf(pane, this.data.size), [height, width] = this.data.size;
    if (rows === height && columns === width) return inside(nearest(pane.trace, "y", row), nearest(pane.trace, "x", column));
    return inside(((row + 0.5) * height) / rows - 0.5, ((column + 0.5) * width) / columns - 0.5);
  }

  pointed(event) {
    const still = this.last?.clientX === event.clientX && this.last?.clientY === event.clientY;
    this.last = event;
    if (event.buttons) return;
    const found = this.under(event);
    // Nobody has moved: a chart under the pointer is being built anew.
    if (still && !found) return;
    if (found || !this.byKeys) this.point(found?.pixel ?? null, found?.pane);
  }

  released(event) {
    const { pressed } = this;
    const still = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 5;
    // A long press is a phone's own menu.
    if (!still || this.twice || event.button !== 0 || event.timeStamp - pressed.timeStamp > 600) return;
    const found = this.under(pressed);
    if (!found) return;
    const opens = found.pane && described(found.pane.trace).opens;
    const { pixel } = found;
    this.telling = setTimeout(() => {
      if (opens) this.tell("opened", { layer: opens, pixel: [pixel.row, pixel.column] });
      else this.pin(pixel);
    }, TWICE);
  }

  typedPixel() {
    const [row, column] = [this.row, this.column].map((field) => (field.checkValidity() ? field.valueAsNumber : NaN));
    return Number.isInteger(row) && Number.isInteger(column) ? { row, column } : null;
  }

  typed() {
    // One that is empty yet begins in the middle.
    for (const [field, side] of [[this.row, this.data.size[0]], [this.column, this.data.size[1]]])
      if (field.value === "") field.value = Math.floor(side / 2);
    const pixel = this.typedPixel(), [rows, columns] = this.data.size;
    this.wrong = pixel ? "" : `Expected a row from 0 to ${rows - 1} and a column from 0 to ${columns - 1}.`;
    if (pixel) this.point(pixel, null, true);
    this.later();
  }

  pinTyped() {
    const pixel = this.typedPixel();
    if (pixel) this.pin(pixel);
  }

  point(pixel, pane = null, byKeys = false) {
    if (!pixel && !this.pixel) return;
    Object.assign(this, { pixel, hovered: pane, byKeys });
    if (!byKeys) {
      this.written(pixel ?? this.data.pin);
      this.wrong = "";
    }
    this.later();
  }

  pin(pixel) {
    const now = this.data.pin;
    if (!pixel) this.point(null);
    if (pixel ? now && now.row === pixel.row && now.column === pixel.column : !now) return;
    this.data = { ...this.data, pin: pixel };
    if (!this.byKeys) this.written(pixel);
    this.clearing.hidden = !pixel;
    this.draw();
    this.tell("pinned", { pixel: pixel && [pixel.row, pixel.column] });
  }

  written(pixel) {
    this.row.value = pixel ? pixel.row : "";
    this.column.value = pixel ? pixel.column : "";
  }

  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.ending.signal.aborted) this.draw();
    });
  }

  // First all is read, then written: whoever asks for a size after writing has the page laid out once more.
  draw() {
    const all = [], marked = [];
    for (const chart of charts()) {
      this.hear(chart);
      const found = panes(chart);
      if (!found.length) continue;
      if (!this.followed.has(chart)) {
        this.followed.add(chart);
        follow(chart);
        this.redrawn();
        this.warm(chart, found[0]);
      }
      const box = chart.querySelector(".svg-container");
      if (box) marked.push([box, this.marks(found.map((pane) => this.on(pane)))]);
      all.push(...found);
    }
    for (const image of document.querySelectorAll(".probed-picture")) {
      const [height, width] = this.data.size, { clientWidth, clientHeight } = image;
      const place = ({ row, column }) => [(column + 0.5) / width * clientWidth, (row + 0.5) / height * clientHeight];
      marked.push([image, this.marks([{ place, size: [9, 9], texts: () => [] }])]);
    }
    for (const [box, drawn] of marked) this.mark(box, drawn);
    const { pin } = this.data, pixel = this.pixel ?? pin;
    const words = ({ row, column }) => {
      const each = all.map((pane) => spoken(pane, { row, column }, this.data.size)).filter(Boolean);
      return `Row ${row}, column ${column}. ${[...new Set(each)].join("; ")}`;
    };
    // What is pinned has the room that it takes; what is only pointed at moves nothing.
    const pinned = pin ? words(pin) : "", room = this.said.parentElement;
    if (room.dataset.pinned !== pinned) room.dataset.pinned = pinned;
    const text = this.wrong || (this.pixel ? words(this.pixel) : pinned || this.data.hint);
    if (this.said.textContent !== text) {
      write(this.said, text);
      clearTimeout(this.fitting);
      // What is scrolled is within reach of the keyboard.
      this.fitting = setTimeout(() => {
        this.said.tabIndex = this.said.scrollHeight > this.said.clientHeight ? 0 : -1;
      }, 100);
    }
    document.documentElement.dataset.probed = pixel ? `${pixel.row} ${pixel.column}` : "";
  }

  // The first of Plotly's own labels, and of the marks, takes several times what the others take: once, when nobody waits
  // for it, and before anything of it is painted.
  warm(chart, { x, y, trace }) {
    if (this.warmed || !matchMedia("(hover: hover)").matches) return;
    this.warmed = true;
    requestIdleCallback(() => {
      const target = chart.querySelector(`.nsewdrag[data-subplot="${trace.xaxis}${trace.yaxis}"]`), { last } = this;
      if (!target || last?.buttons || chart.contains(last?.target)) return;
      const box = chart.getBoundingClientRect(), bubbles = true;
      const at = { clientX: box.left + x._offset + x._length / 2, clientY: box.top + y._offset + y._length / 2, bubbles };
      for (const name of ["mousemove", "mouseout"]) target.dispatchEvent(new MouseEvent(name, at));
      if (this.pixel || this.ending.signal.aborted) return;
      const [height, width] = this.data.size;
      for (const pixel of [{ row: Math.floor(height / 2), column: Math.floor(width / 2) }, null]) {
        this.pixel = pixel;
        this.draw();
      }
    });
  }

  // Before it has maps of any size, which it may get without a new element; built anew, it has forgotten who listens.
  hear(chart) {
    if (!chart._ev || this.heard.has(chart._ev)) return;
    this.heard.add(chart._ev);
    for (const name of ["plotly_afterplot", "plotly_animatingframe"]) chart.on(name, () => this.redrawn());
  }

  on(pane) {
    const { trace, x, y } = pane;
    const own = (pixel) => scaled(pixel, this.data.size, sizeOf(pane, this.data.size));
    const place = (pixel) => {
      const { row, column } = own(pixel);
      // The middle of the cell, which may be wider than a pixel.
      const [dx, dy] = trace.type === "heatmap" ? [trace.dx, trace.dy] : [1, 1];
      const middle = (at, start, step) => Math.round((at - start) / step) * step + start;
      const [from, top] = trace.type === "heatmap" ? [trace.x0, trace.y0] : [0, 0];
      const across = x.c2p(middle(column, from, dx)), down = y.c2p(middle(row, top, dy));
      const seen = across >= 0 && down >= 0 && across <= x._length && down <= y._length;
      return seen && [x._offset + across, y._offset + down];
    };
    const step = (axis, wide) => Math.max(9, Math.abs(axis.c2p(wide) - axis.c2p(0)));
    const size = trace.type === "heatmap" ? [step(x, trace.dx), step(y, trace.dy)] : [9, 9];
    const unit = described(trace).unit;
    // The longest first: a long unit stands on a line of its own, or is left to the map's scale.
    const texts = (pixel) => {
      const said = trace.type === "image" ? "" : value(pane, own(pixel));
      if (!said) return [];
      return said === "unbounded" ? [said] : [`${said}${unit.length < 6 ? " " : "\n"}${unit}`, said];
    };
    const hovered = this.hovered && this.hovered.chart === pane.chart && this.hovered.trace.xaxis === trace.xaxis;
    // Plotly's own label says more than ours where the pointer is.
    return { place, size, texts: hovered ? () => [] : texts, left: x._offset, right: x._offset + x._length };
  }

  // What is drawn over maps, or a picture: elements, each with its class, its style and its words.
  marks(places) {
    const pinned = this.data.pin, pixel = this.pixel, drawn = [];
    for (const { place, size, texts, left, right } of places) {
      for (const [at, name] of [[pinned, "pin"], [pixel, "point"]]) {
        const where = at && place(at);
        if (!where) continue;
        drawn.push(["i", name, `left:${where[0]}px;top:${where[1]}px;width:${size[0]}px;height:${size[1]}px`, ""]);
        // The value of the pinned pixel gives way to that of the one that is pointed at.
        const all = name === "point" || !pixel ? texts(at) : [];
        if (!all.length) continue;
        // On either side as far as the map goes.
        const apart = size[0] / 2 + 4, rooms = [right - where[0] - apart, where[0] - apart - left];
        const said = all.find((words) => wide(words) <= Math.max(...rooms)) ?? all.at(-1);
        const leftwards = wide(said) > rooms[0] && rooms[1] > rooms[0];
        const beside = where[0] + (leftwards ? -apart : apart);
        drawn.push(["b", leftwards ? "left" : "", `left:${beside}px;top:${where[1]}px`, said]);
      }
    }
    return drawn;
  }

  // Elements are used again: one that is put into the page is heard of by all that wait for new charts.
  mark(box, drawn) {
    let marks = box.querySelector(`:scope > .${MARKS}`);
    if (!marks) {
      marks = document.createElement("div");
      marks.className = MARKS;
      marks.ariaHidden = "true";
      // Below Plotly's own label.
      box.insertBefore(marks, box.querySelector(":scope > svg:has(> .hoverlayer)"));
    }
    drawn.forEach(([tag, name, style, text], at) => {
      let mark = marks.children[at];
      if (mark?.localName !== tag) {
        const made = document.createElement(tag);
        if (mark) mark.replaceWith(made);
        else marks.append(made);
        mark = made;
      }
      mark.className = name;
      mark.style.cssText = style;
      if (mark.textContent !== text) write(mark, text);
    });
    while (marks.children.length > drawn.length) marks.lastChild.remove();
  }

  // A map has arrived or was zoomed: the marks follow, and so does Plotly's label under a pointer that rests there.
  redrawn() {
    // Charts tell also those that listened and have ended; what these know of the pin is old.
    if (this.ending.signal.aborted) return;
    this.later();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (!this.last || !this.hovered || this.last.pointerType === "touch" || this.last.buttons) return;
      const { clientX, clientY } = this.last, target = document.elementFromPoint(clientX, clientY);
      const found = target && this.under({ target, clientX, clientY });
      if (!found) return;
      this.point(found.pixel, found.pane);
      target.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY, bubbles: true }));
    }, 120);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const pixel = (at) => at && { row: at[0], column: at[1] };
  parentElement.probe ??= new Probe(parentElement);
  parentElement.probe.show({ ...data, pin: pixel(data.pin) }, setTriggerValue);
  return () => {
    parentElement.probe?.end();
    delete parentElement.probe;
  };
}
