/* Draws the price and the MACD of the page from #dane-wykresu once Chart.js is here, and again when either is replaced. */
(() => {
  "use strict";
  const AXIS = 62, TICK = 44, SHAPE = 5, NEAR = 0.02;
  const MINUS = "\u2212", NBSP = "\u00a0";
  let charts = [], data = null, chosen = -1;

  const find = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /* The published digits as they came, in Polish: groups only from five integer digits. */
  const written = (text) => {
    const [whole, decimals] = text.replace("-", MINUS).split(".");
    const grouped = whole.replace(MINUS, "").length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, NBSP) : whole;
    return decimals ? `${grouped},${decimals}` : grouped;
  };
  const decimalsOf = (text) => (text.split(".")[1] ?? "").length;
  const fixed = (value, decimals) => written(value.toFixed(decimals));
  const polish = (options) => new Intl.DateTimeFormat("pl-PL", { timeZone: "UTC", ...options });
  const weekday = polish({ weekday: "short" }), month = polish({ month: "short" });
  const dated = (iso) => iso.split("-").reverse().join(".");

  /* First days of months or years; Mondays where the range is about a month. */
  const marks = (days) => {
    const known = days.filter(Boolean), span = (new Date(known.at(-1)) - new Date(known[0])) / 864e5;
    const period = span > 1000 ? 4 : span > 45 ? 7 : 0;
    let last = "";
    return days.flatMap((day, index) => {
      if (!day) return [];
      const key = period ? day.slice(0, period) : String(Math.floor((new Date(day) / 864e5 + 3) / 7));
      const first = key !== last && last !== "";
      last = key;
      return first ? [{ value: index }] : [];
    });
  };
  const label = (days) => (index) => {
    const day = days[index], known = days.filter(Boolean);
    const span = (new Date(known.at(-1)) - new Date(known[0])) / 864e5;
    if (span > 1000) return day.slice(0, 4);
    if (span <= 45) return dated(day).slice(0, 5);
    return day.slice(5, 7) === "01" ? day.slice(0, 4) : month.format(new Date(day));
  };

  const axes = (labels) => {
    const grid = { color: colour("chart-grid"), drawTicks: false, offset: false }, ticks = { color: colour("soft"), font: { size: 11 } };
    const text = label(data.days);
    return {
      x: {
        type: "category", offset: true, grid, border: { display: false },
        afterBuildTicks: (axis) => {
          const all = marks(data.days), every = Math.ceil((all.length * TICK) / axis.maxWidth);
          axis.ticks = all.filter((mark, number) => number % every === 0);
        },
        ticks: { ...ticks, display: labels, maxRotation: 0, autoSkip: false, callback: (index) => text(index) },
      },
      y: {
        grid, border: { display: false }, grace: "6%",
        afterFit: (axis) => { axis.width = AXIS; },
        ticks: { ...ticks, maxTicksLimit: labels ? 6 : 4, callback: (value, index, all) => evenly(value, all) },
      },
    };
  };

  /* As many decimals as the step between two marks has. */
  const evenly = (value, all) => {
    const step = all.length > 1 ? Math.abs(all[1].value - all[0].value) : 1;
    const digits = Math.min(8, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
    return value.toLocaleString("pl-PL", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", MINUS);
  };

  const signalAt = (index) => data.signals.find((signal) => signal.at === index);
  const shapeOf = (signal) => (signal.kind === "BUY" ? "▲" : "▼");
  const told = (signal) => [`${shapeOf(signal)} ${signal.word} z ${signal.day}`, `histogram ${signal.histogram}`];

  const tooltip = (lines) => ({
    displayColors: false, position: "nearest", caretPadding: 8, padding: 8,
    backgroundColor: colour("chart-tip"), titleColor: colour("chart-tip-ink"),
    bodyColor: colour("chart-tip-ink"), footerColor: colour("chart-tip-ink"),
    filter: (item, index) => index === 0,
    callbacks: {
      title: ([item]) => item && `${weekday.format(new Date(data.days[item.dataIndex]))} ${dated(data.days[item.dataIndex])}`,
      label: (item) => lines(item.dataIndex).filter(Boolean),
      footer: ([item]) => {
        const signal = item && signalAt(item.dataIndex);
        return signal ? told(signal) : "";
      },
    },
  });

  const options = (labels, lines) => ({
    layout: { padding: { right: 10 } }, animation: false, responsive: true, maintainAspectRatio: false, normalized: true, spanGaps: false, locale: "pl-PL",
    interaction: { mode: "index", intersect: false, axis: "x" },
    elements: { point: { radius: 0, hoverRadius: 3, hitRadius: 0 }, line: { borderWidth: 1.5, tension: 0 } },
    plugins: { legend: { display: false }, tooltip: tooltip(lines) },
    scales: axes(labels),
  });

  /* Where figures are missing: a dashed line in the empty slot. */
  const breaks = {
    id: "breaks",
    beforeDatasetsDraw: ({ ctx, chartArea, scales }) => {
      ctx.save();
      ctx.strokeStyle = colour("soft");
      ctx.setLineDash([4, 4]);
      data.days.forEach((day, index) => {
        if (day) return;
        const x = scales.x.getPixelForValue(index);
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
      });
      ctx.restore();
    },
  };

  /* BUY points up from below the line, SELL down from above it; the chosen one is larger. */
  const shapes = {
    id: "shapes",
    afterDatasetsDraw: ({ ctx, scales }) => {
      ctx.save();
      ctx.strokeStyle = colour("surface");
      data.signals.forEach((signal, number) => {
        const way = signal.kind === "BUY" ? 1 : -1, size = number === chosen ? SHAPE * 1.8 : SHAPE;
        const x = scales.x.getPixelForValue(signal.at), y = scales.y.getPixelForValue(data.mid[signal.at]) + way * 7;
        ctx.fillStyle = colour(way > 0 ? "up" : "down");
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(x - size, y + way * size * 1.7);
        ctx.lineTo(x + size, y + way * size * 1.7);
        ctx.closePath();
        ctx.fill();
        ctx.stroke();
      });
      ctx.restore();
    },
  };

  const price = (canvas) => {
    const decimals = decimalsOf(data.mid.findLast(Boolean));
    const line = (values, name, more) => ({ data: values, borderColor: colour(name), ...more });
    const hidden = { borderWidth: 0, pointRadius: 0, pointHoverRadius: 0 };
    const lines = (index) => [
      `${written(data.mid[index])} ${data.unit}`,
      data.bid[index] && `Kupno–sprzedaż: ${written(data.bid[index])}–${written(data.ask[index])}`,
      data.fast[index] !== null && `EMA: ${fixed(data.fast[index], decimals)} / ${fixed(data.slow[index], decimals)}`,
    ];
    return new Chart(canvas, {
      type: "line",
      data: {
        labels: data.days,
        datasets: [
          line(data.mid, "chart-mid", { borderWidth: 2, pointBackgroundColor: colour("chart-mid"), order: 1 }),
          line(data.fast, "chart-fast", { borderWidth: 1, pointHoverRadius: 0, order: 2,
            fill: { target: 2, above: colour("chart-above"), below: colour("chart-below") } }),
          line(data.slow, "chart-slow", { borderWidth: 1, pointHoverRadius: 0, order: 2 }),
          line(data.bid, "chart-band", { ...hidden, order: 3, fill: { target: 4, above: colour("chart-band"), below: colour("chart-band") } }),
          line(data.ask, "chart-band", { ...hidden, order: 3 }),
        ],
      },
      options: { ...options(true, lines), onClick: (event, items) => items.length && choose(nearest(items[0].index)) },
      plugins: [breaks, shapes],
    });
  };

  const macd = (canvas) => {
    const decimals = decimalsOf(data.mid.findLast(Boolean)) + 2;
    const lines = (index) => [
      `MACD: ${fixed(data.macd[index], decimals)}`,
      `Linia sygnału: ${fixed(data.signal_line[index], decimals)}`,
      `Histogram: ${fixed(data.histogram[index], decimals)}`,
    ];
    const bars = data.histogram.map((value) => colour(value < 0 ? "chart-minus" : "chart-plus"));
    const shown = options(false, lines);
    delete shown.plugins.tooltip.callbacks.footer;
    return new Chart(canvas, {
      data: {
        labels: data.days,
        datasets: [
          { type: "line", data: data.macd, borderColor: colour("chart-mid"), order: 1 },
          { type: "line", data: data.signal_line, borderColor: colour("chart-signal"), borderDash: [5, 3], order: 1 },
          { type: "bar", data: data.histogram, backgroundColor: bars, barPercentage: 1, categoryPercentage: 0.9, order: 2 },
        ],
      },
      options: shown,
      plugins: [breaks],
    });
  };

  const nearest = (index) => {
    const reach = Math.max(2, data.days.length * NEAR);
    const far = (signal) => Math.abs(signal.at - index);
    const best = data.signals.reduce((found, signal, number) => (found < 0 || far(signal) < far(data.signals[found]) ? number : found), -1);
    return best >= 0 && far(data.signals[best]) <= reach ? best : -1;
  };

  /* Show one signal on the chart and in words. */
  const choose = (number) => {
    const signal = data?.signals[number], output = find("sygnal-opis");
    if (!signal || !output) return;
    chosen = number;
    const words = { word: `${shapeOf(signal)} ${signal.word}`, day: signal.day, price: `${written(data.mid[signal.at])} ${data.unit}`, histogram: signal.histogram };
    output.textContent = output.dataset.text.replace(/\{(\w+)\}/g, (whole, name) => words[name] ?? whole);
    for (const chart of charts) chart.update("none");
  };

  const step = (by) => {
    const last = data.signals.length - 1;
    choose(chosen < 0 ? last : Math.min(last, Math.max(0, chosen + by)));
  };

  const clear = () => {
    for (const chart of charts) {
      const { canvas } = chart;
      chart.destroy();
      canvas.removeAttribute("style");
    }
    charts = [];
  };

  const draw = () => {
    clear();
    const source = find("dane-wykresu");
    if (!source || !window.Chart) return;
    data = JSON.parse(source.textContent);
    chosen = -1;
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    const panels = { price, macd };
    charts = [...document.querySelectorAll("canvas[data-panel]")].map((canvas) => panels[canvas.dataset.panel](canvas));
  };

  document.addEventListener("vendor:ready", draw);
  document.addEventListener("vendor:missing", () => {
    find("tabela-wykresu")?.setAttribute("open", "");
    find("bez-wykresu")?.removeAttribute("hidden");
  });
  document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target?.id === "kurs") draw(); });
  document.addEventListener("htmx:historyRestore", draw);
  /* What Chart.js wrote into a canvas must not be stored with the page nor copied by htmx to the canvas that follows:
     the policy would refuse its styles. */
  document.addEventListener("htmx:beforeHistorySave", clear);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.shouldSwap && event.detail.target?.id === "kurs") clear();
  });
  document.addEventListener("htmx:afterRequest", (event) => { if (!event.detail.successful && !charts.length) draw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-step]");
    if (button && charts.length) step(Number(button.dataset.step));
  });
})();
