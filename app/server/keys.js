// Arrow keys of a presentation that come faster than a page is drawn wait for their turn: the server would take several
// for one, since each asks for the page beside the one that it was pressed on.
(() => {
  const KEYS = ["ArrowLeft", "ArrowRight"], ASKED = 250, LOOK = 40;
  const waiting = [];
  let last = -ASKED;
  // Until a key has reached the server the page still says that nothing runs.
  const busy = () => performance.now() - last < ASKED
    || !document.querySelector('.stApp[data-test-script-state="notRunning"]')
    || document.querySelector('.st-key-present_row[data-stale="true"], .st-key-present_row [data-stale="true"]');
  const press = (key) => {
    last = performance.now();
    for (const kind of ["keydown", "keyup"]) {
      document.body.dispatchEvent(new KeyboardEvent(kind, { key, code: key, bubbles: true, cancelable: true }));
    }
  };
  const next = () => {
    if (!busy()) press(waiting.shift());
    if (waiting.length) setTimeout(next, LOOK);
  };
  addEventListener("keydown", (event) => {
    const free = event.target === document.body || event.target.closest?.(".st-key-present_row button");
    if (!event.isTrusted || !KEYS.includes(event.key) || !free || !document.querySelector(".st-key-present_row")) return;
    if (!waiting.length && !busy()) {
      last = performance.now();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (waiting.push(event.key) === 1) setTimeout(next, LOOK);
  }, true);
})();
