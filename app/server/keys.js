// Arrow keys of a presentation that come faster than a page is drawn wait for their turn: the server would take several
// for one, since each asks for the page beside the one that it was pressed on.
(() => {
  const BUTTONS = { ArrowLeft: ".st-key-present_previous", ArrowRight: ".st-key-present_next" };
  // Milliseconds: between two looks, after which a key that has moved nothing is given up, and without a row, all of them.
  const LOOK = 40, GIVEN_UP = 10000, LEFT = 2000;
  const waiting = [];
  let last = -GIVEN_UP, left = null, seen = 0;
  const row = () => document.querySelector(".st-key-present_row");
  // What the row says of where it is.
  const place = () => row().innerText + [...row().querySelectorAll("input")].map((input) => input.value).join();
  // A key has arrived when the row has moved on and the page that it asked for is drawn.
  const busy = () => (place() === left && performance.now() - last < GIVEN_UP)
    || !document.querySelector('.stApp[data-test-script-state="notRunning"]')
    || document.querySelector('.st-key-present_row[data-stale="true"], .st-key-present_row [data-stale="true"]');
  const leads = (key) => document.querySelector(`${BUTTONS[key]} button:not(:disabled)`);
  const note = () => {
    last = performance.now();
    left = place();
  };
  const press = (key) => {
    if (!leads(key)) return;
    note();
    for (const kind of ["keydown", "keyup"]) {
      document.body.dispatchEvent(new KeyboardEvent(kind, { key, code: key, bubbles: true, cancelable: true }));
    }
  };
  const next = () => {
    if (row()) seen = performance.now();
    else if (performance.now() - seen > LEFT) waiting.length = 0;
    if (row() && !busy()) press(waiting.shift());
    if (waiting.length) setTimeout(next, LOOK);
  };
  addEventListener("keydown", (event) => {
    const free = event.target === document.body || event.target.closest?.(".st-key-present_row button");
    if (!event.isTrusted || !(event.key in BUTTONS) || !free || !row()) return;
    if (!waiting.length && !busy()) {
      if (leads(event.key)) note();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    seen = performance.now();
    if (waiting.push(event.key) === 1) setTimeout(next, LOOK);
  }, true);
})();
