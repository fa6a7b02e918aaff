// One step of the reader is one entry of the browser's history. Streamlit writes a new entry whenever a page names
// another address: one for the way to a page, one for what that page fills in. What follows without a step of the
// reader's replaces the entry of that step.
(() => {
  let stepped = false;
  const step = () => { stepped = true; };
  for (const kind of ["pointerup", "click", "keydown", "change"]) addEventListener(kind, step, true);
  addEventListener("popstate", () => { stepped = false; }, true);
  const push = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    (stepped ? push : history.replaceState.bind(history))(state, title, address);
    stepped = false;
  };
})();
