// Fingers on charts: a swipe scrolls the page and two fingers zoom it, as everywhere else. Plotly would take both for itself;
// a tap reaches it still, as the mouse events that the browser makes of one. The menu, which lies over the page, closes when
// a page was chosen in it.

const NARROW = 768;
const plots = (event) => event.target.closest?.(".js-plotly-plot .draglayer") && event.stopPropagation();

const close = () => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
const chosen = ({ target }) => innerWidth <= NARROW && target.closest?.('[data-testid="stSidebar"] a[href]') && setTimeout(close);

export default function () {
  const how = { capture: true, passive: true };
  document.addEventListener("touchstart", plots, how);
  document.addEventListener("click", chosen, how);
  return () => {
    document.removeEventListener("touchstart", plots, how);
    document.removeEventListener("click", chosen, how);
  };
}
