/* Makes a Chart of each panel from the lines that the server computed. */
(() => {
  "use strict";
  const { axes, colour, marks } = window.charon.charts;
  const hidden = { borderWidth: 0, pointRadius: 0 };
  const numbers = (values) => values.map((value) => (value === null ? null : Number(value)));

  const line = (values, tone, more) => ({ type: "line", data: values, borderColor: colour(`chart-${tone}`), borderWidth: 1.25, order: 2, ...more });
  const MARKS = {
    line: (one) => line(one.values, one.tone),
    thin: (one) => line(one.values, one.tone, { borderWidth: 1 }),
    dash: (one) => line(one.values, one.tone, { borderDash: [5, 3] }),
    /* Filled up to the line that follows it. */
    band: (one) => line(one.values, one.tone, { fill: { target: "+1", above: colour("chart-band"), below: colour("chart-band") } }),
    ribbon: (one) => line(one.values, one.tone, { fill: { target: "+1", above: colour("chart-above"), below: colour("chart-below") } }),
    bar: (one) => ({
      type: "bar", data: one.values, barPercentage: 1, categoryPercentage: 0.9, order: 3,
      backgroundColor: one.values.map((value) => colour(value < 0 ? "chart-minus" : "chart-plus")),
    }),
    on: (one) => ({
      type: "line", showLine: false, pointRadius: 2.5, pointBackgroundColor: colour("chart-signal"), pointBorderWidth: 0, order: 1,
      data: one.values.map((value) => (value === 1 ? 0 : null)),
    }),
  };

  const official = ({ data }) => [
    line(numbers(data.mid), "mid", { borderWidth: 2, order: 1 }),
    line(numbers(data.bid), "band", { ...hidden, order: 4, fill: { target: "+1", above: colour("chart-band"), below: colour("chart-band") } }),
    line(numbers(data.ask), "band", { ...hidden, order: 4 }),
  ];
  /* Up: a hollow body, down: a filled one. */
  const candles = ({ data }) => {
    const up = colour("up"), down = colour("down"), soft = colour("soft");
    Object.assign(Chart.defaults.elements.candlestick, {
      backgroundColors: { up: colour("surface"), down, unchanged: soft }, borderColors: { up, down, unchanged: soft },
    });
    const bars = data.times.flatMap((time, x) =>
      time ? [{ x, o: Number(data.open[x]), h: Number(data.high[x]), l: Number(data.low[x]), c: Number(data.mid[x]) }] : []);
    return [{ type: "candlestick", data: bars, parsing: false, maxBarThickness: 15, barPercentage: 0.85, categoryPercentage: 0.9, order: 1 }];
  };

  /* Both series divided by their first values in view: 100 there. */
  const rebased = (state) => {
    const { data, view } = state, own = numbers(data.mid), other = data.compared.values;
    const first = own.findIndex((value, slot) => slot >= view.min && value !== null && other[slot] != null);
    const divided = (values) => values.map((value) => (value == null || first < 0 ? null : (value / values[first]) * 100));
    state.index = { own: divided(own), other: divided(other) };
    return state.index;
  };
  const comparison = (state) => {
    const { own, other } = rebased(state);
    return [line(own, "mid", { borderWidth: 2 }), line(other, "other", { borderWidth: 2, borderDash: [7, 3], spanGaps: true })];
  };

  const prices = (state) => {
    if (state.comparing) return comparison(state);
    const extra = state.data.lines.filter((one) => one.panel === "price").map((one) => MARKS[one.mark](one));
    return [...(state.data.kind === "candles" ? candles(state) : official(state)), ...extra];
  };
  const volume = ({ data }) => [{
    type: "bar", data: data.volume, barPercentage: 1, categoryPercentage: 0.9,
    backgroundColor: data.mid.map((close, slot) => colour(Number(close) < Number(data.open[slot]) ? "chart-minus" : "chart-plus")),
  }];
  const datasets = (state, panel) => {
    if (panel === "price") return prices(state);
    if (panel === "volume") return volume(state);
    return state.data.lines.filter((one) => one.panel === panel).map((one) => MARKS[one.mark](one));
  };

  const make = (state, canvas) => {
    const { panel } = canvas.dataset;
    return new Chart(canvas, {
      type: "line",
      data: { labels: state.data.times.map((time, slot) => slot), datasets: datasets(state, panel) },
      options: {
        layout: { padding: { right: 10, top: panel === "price" ? 4 : 2 } }, animation: false, responsive: true, maintainAspectRatio: false,
        normalized: true, spanGaps: false, events: [],
        elements: { point: { radius: 0, hitRadius: 0 }, line: { tension: 0 } },
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
        scales: axes(state, panel),
      },
      plugins: marks(state, panel),
    });
  };

  /* Another part in view: the axes move, and what is compared begins with 100 anew. */
  const move = (state) => {
    for (const chart of state.charts) {
      Object.assign(chart.options.scales.x, state.view);
      if (state.comparing && chart.canvas.dataset.panel === "price") {
        const { own, other } = rebased(state);
        chart.data.datasets[0].data = own;
        chart.data.datasets[1].data = other;
      }
      chart.update("none");
    }
  };

  Object.assign(window.charon.charts, { make, move });
})();
