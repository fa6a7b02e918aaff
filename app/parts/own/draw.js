// Draws a box or a polygon on a picture, with the mouse, a finger or the keyboard. Corners are shares of its sides.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 60, NEAR = 6, STEP = 0.01;
const share = (value) => Math.min(1, Math.max(0, Math.round(value * 1000) / 1000));
const clone = (corners) => corners.map((corner) => [...corner]);

class Drawing {
  constructor(parent) {
    this.parent = parent;
    this.board = parent.querySelector(".board");
    this.image = this.board.querySelector("img");
    this.svg = this.board.querySelector("svg");
    this.handles = this.board.querySelector(".handles");
    this.corners = [];
    this.open = false;
    this.ending = new AbortController();
    const on = (target, name, act) => target.addEventListener(name, act, { signal: this.ending.signal });
    on(this.board, "pointerdown", (event) => this.pressed(event));
    on(this.board, "pointermove", (event) => this.moved(event));
    on(this.board, "pointerup", (event) => this.released(event));
    on(this.board, "pointercancel", () => this.abandoned());
    on(this.board, "dblclick", () => this.close());
    on(this.board, "keydown", (event) => this.key(event));
    on(this.board, "focusout", () => this.later && this.tell());
  }

  show(data, tell) {
    Object.assign(this, { data, told: tell });
    if (this.image.getAttribute("src") !== data.picture) this.image.src = data.picture;
    this.board.style.setProperty("--ratio", data.ratio);
    this.image.alt = data.words;
    // What the reader is in the middle of is not taken away by a run of the page.
    if (!this.press && !this.later && !this.open) this.corners = clone(data.corners);
    this.draw();
  }

  end() {
    clearTimeout(this.later);
    this.ending.abort();
  }

  get box() {
    return this.data.kind === "box";
  }

  at(event) {
    const { left, top, width, height } = this.image.getBoundingClientRect();
    return [share((event.clientX - left) / width), share((event.clientY - top) / height)];
  }

  distance(a, b) {
    const { width, height } = this.image.getBoundingClientRect();
    return Math.hypot((a[0] - b[0]) * width, (a[1] - b[1]) * height);
  }

  pressed(event) {
    if (event.button !== 0) return;
    const start = this.at(event), handle = event.target.closest?.("button");
    const place = handle ? Number(handle.dataset.place) : null;
    if (place === 0 && this.open && this.corners.length > 2) return this.close();
    const within = !handle && !this.open && this.within(start);
    this.press = { start, before: clone(this.corners), place, within, far: false };
    this.board.setPointerCapture(event.pointerId);
    if (!handle) event.preventDefault();
  }

  moved(event) {
    const { press } = this;
    if (!press) return;
    const now = this.at(event);
    press.far ||= this.distance(press.start, now) > NEAR;
    if (!press.far) return;
    if (press.place !== null) this.corners = this.shifted(press.before, press.place, now);
    else if (press.within) this.corners = this.carried(press.before, now[0] - press.start[0], now[1] - press.start[1]);
    else if (this.box) this.corners = [press.start, now];
    else {
      this.open = true;
      if (!press.trail) press.trail = this.corners = [press.start];
      if (this.distance(this.corners.at(-1), now) > NEAR) this.corners.push(now);
    }
    this.draw();
  }

  released(event) {
    const { press } = this;
    if (!press) return;
    this.press = null;
    if (!press.far) return this.clicked(press);
    if (press.trail) {
      this.corners = thinned(this.corners, MOST);
      this.open = false;
    }
    this.tell();
  }

  // Without a way between: one more corner of a polygon; a box is not drawn by clicks.
  clicked(press) {
    if (this.box || press.place !== null) return;
    if (!this.open) this.corners = [];
    if (this.corners.length < MOST) this.corners.push(press.start);
    this.open = true;
    this.draw();
  }

  abandoned() {
    if (this.press) this.corners = this.press.before;
    this.press = null;
    this.draw();
  }

  close() {
    if (!this.open) return;
    this.open = false;
    if (this.corners.length < 3) this.corners = clone(this.data.corners);
    else this.tell();
    this.draw();
  }

  key(event) {
    const handle = event.target.closest?.("button"), place = handle ? Number(handle.dataset.place) : null;
    const by = STEP * (event.shiftKey ? 5 : 1);
    const ways = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    if (event.key === "Enter" && this.open) this.close();
    else if (event.key === "Escape" && this.open) {
      this.open = false;
      this.corners = clone(this.data.corners);
      event.stopPropagation();
    } else if (handle && ways[event.key]) {
      const [x, y] = this.corner(place), [dx, dy] = ways[event.key];
      this.corners = this.shifted(this.corners, place, [share(x + dx), share(y + dy)]);
      this.soon();
    } else if (handle && event.key === "Delete" && !this.box && this.corners.length > 3) {
      this.corners.splice(place, 1);
      this.soon();
    } else return;
    event.preventDefault();
    this.draw(place);
  }

  // A box has four corners to take hold of: left top, right top, right bottom, left bottom.
  corner(place) {
    if (!this.box) return this.corners[place];
    const [[x0, y0], [x1, y1]] = this.corners;
    return [place === 1 || place === 2 ? x1 : x0, place > 1 ? y1 : y0];
  }

  shifted(corners, place, to) {
    const next = clone(corners);
    if (!this.box) next[place] = to;
    else {
      next[place === 1 || place === 2 ? 1 : 0][0] = to[0];
      next[place > 1 ? 1 : 0][1] = to[1];
    }
    return next;
  }

  carried(corners, dx, dy) {
    const ends = (axis) => [Math.min(...corners.map((c) => c[axis])), Math.max(...corners.map((c) => c[axis]))];
    const [[x0, x1], [y0, y1]] = [ends(0), ends(1)];
    const [right, down] = [Math.min(Math.max(dx, -x0), 1 - x1), Math.min(Math.max(dy, -y0), 1 - y1)];
    return corners.map(([x, y]) => [share(x + right), share(y + down)]);
  }

  within([x, y]) {
    if (this.corners.length < 2) return false;
    const path = this.around();
    let inside = false;
    path.forEach(([ax, ay], place) => {
      const [bx, by] = path[(place + 1) % path.length];
      if (ay <= y !== by <= y && x >= ax + ((y - ay) * (bx - ax)) / (by - ay)) inside = !inside;
    });
    return inside;
  }

  around() {
    return this.box && this.corners.length === 2 ? [0, 1, 2, 3].map((place) => this.corner(place)) : this.corners;
  }

  soon() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.tell(), 700);
  }

  tell() {
    clearTimeout(this.later);
    this.later = null;
    this.draw();
    this.told("drawn", { kind: this.data.kind, corners: this.corners });
  }

  draw(focused = null) {
    const path = this.around(), points = path.map(([x, y]) => `${x * 100},${y * 100}`).join(" ");
    const parts = [];
    const add = (name, attributes) => {
      const part = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
      parts.push(part);
    };
    const closed = path.length > 1 && !this.open;
    if (this.data.shade && closed)
      add("path", { class: "shade", "fill-rule": "evenodd", d: `M0,0H100V100H0ZM${points.split(" ").join("L")}Z` });
    if (this.data.seen) {
      const [x0, y0, x1, y1] = this.data.seen.map((end) => end * 100);
      add("rect", { class: "seen", x: x0, y: y0, width: x1 - x0, height: y1 - y0 });
    }
    if (path.length > 1) for (const line of ["under", "over"]) add(closed ? "polygon" : "polyline", { class: line, points });
    this.svg.replaceChildren(...parts);
    this.place(path, focused);
  }

  // One button for each corner; those that stay keep the focus.
  place(path, focused) {
    const shown = this.press?.trail ? [] : path;
    while (this.handles.children.length > shown.length) this.handles.lastChild.remove();
    shown.forEach(([x, y], place) => {
      let handle = this.handles.children[place];
      if (!handle) {
        handle = document.createElement("button");
        handle.type = "button";
        this.handles.append(handle);
      }
      handle.dataset.place = place;
      handle.style.cssText = `left:${x * 100}%;top:${y * 100}%`;
      const where = `${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`;
      handle.setAttribute("aria-label", `Corner ${place + 1}: ${where}. Arrow keys move it.`);
      if (place === focused) handle.focus();
    });
  }
}

// At most so many corners of a long line: those without which it would change most (Visvalingam).
function thinned(corners, most) {
  const kept = clone(corners);
  const area = (place) => {
    const [a, b, c] = [-1, 0, 1].map((step) => kept[(place + step + kept.length) % kept.length]);
    return Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]));
  };
  const least = () => kept.reduce((best, _, place) => (area(place) < area(best) ? place : best), 0);
  while (kept.length > 3) {
    const place = least();
    if (kept.length <= most && area(place) > 4e-4) break;
    kept.splice(place, 1);
  }
  return kept;
}

export default function ({ data, parentElement, setTriggerValue }) {
  parentElement.drawing ??= new Drawing(parentElement);
  parentElement.drawing.show(data, setTriggerValue);
  return () => {
    parentElement.drawing?.end();
    delete parentElement.drawing;
  };
}
