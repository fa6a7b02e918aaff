// What Plotly writes under the pointer has a real minus sign, and powers of ten as one writes them by hand, as all else
// on the page: its number formats know only "-" and "e+4".
(() => {
  const raised = (power) => [...power.replace("+", "")].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("");
  const byHand = (text) => text.replace(/e([+-]?\d+)$/, (_, power) => `·10${raised(power)}`).replace("-", "−");
  // A chart that is drawn anew has formats of its own.
  function mend() {
    const formats = this._fullLayout?._d3locale;
    if (!formats || formats.byHand) return;
    const { numberFormat } = formats;
    formats.byHand = true;
    formats.numberFormat = (form) => {
      const write = numberFormat(form);
      return (value) => byHand(write(value));
    };
  }
  const heard = new WeakMap();
  addEventListener("mousemove", ({ target }) => {
    const chart = target.closest?.(".js-plotly-plot");
    if (!chart?._fullLayout || !chart.on) return;
    mend.call(chart);
    // Also where Plotly writes again under a pointer that rests. A chart that was taken down has forgotten its listeners.
    if (heard.get(chart) === chart._ev) return;
    heard.set(chart, chart._ev);
    chart.on("plotly_beforehover", mend.bind(chart));
  }, true);
})();
