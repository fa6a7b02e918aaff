// Fingers on charts: a swipe scrolls the page and two fingers zoom it, as everywhere else. Plotly would take both for itself;
// a tap reaches it still, as the mouse events that the browser makes of one.

const plots = (event) => event.target.closest?.(".js-plotly-plot .draglayer") && event.stopPropagation();

export default function () {
  const how = { capture: true, passive: true };
  document.addEventListener("touchstart", plots, how);
  return () => document.removeEventListener("touchstart", plots, how);
}
