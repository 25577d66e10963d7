/* What is drawn over a chart beside its lines: the crosshair, interruptions, levels, the shapes of signals. */
(() => {
  "use strict";
  const SHAPE = 5, AWAY = 7, GLYPHS = { published: "–", unknown: "?", unit: "÷" };
  const DASHES = { published: [2, 4], unknown: [7, 4], unit: [] };
  const { colour } = window.charon.charts;

  const upright = (ctx, area, x) => {
    ctx.beginPath();
    ctx.moveTo(x, area.top);
    ctx.lineTo(x, area.bottom);
    ctx.stroke();
  };
  const inside = (area, x) => x >= area.left && x <= area.right;

  /* Each kind has a dash, a ground and a sign of its own: colour alone says nothing. */
  const breaks = (state, panel) => ({
    id: "breaks",
    beforeDatasetsDraw: ({ ctx, chartArea, scales }) => {
      ctx.save();
      const half = Math.max(1.5, Math.abs(scales.x.getPixelForValue(1) - scales.x.getPixelForValue(0)) / 2);
      for (const one of state.data.breaks) {
        const x = scales.x.getPixelForValue(one.at);
        if (!inside(chartArea, x)) continue;
        if (one.kind === "unknown") {
          ctx.fillStyle = colour("chart-gap");
          ctx.fillRect(x - half, chartArea.top, 2 * half, chartArea.bottom - chartArea.top);
        }
        ctx.strokeStyle = colour(one.kind === "unit" ? "accent" : "soft") || colour("soft");
        ctx.setLineDash(DASHES[one.kind]);
        upright(ctx, chartArea, x);
        if (panel === "price") sign(ctx, GLYPHS[one.kind], x, chartArea.top + 8);
      }
      ctx.restore();
    },
  });
  const sign = (ctx, text, x, y) => {
    ctx.setLineDash([]);
    ctx.fillStyle = colour("surface");
    ctx.beginPath();
    ctx.arc(x, y, 7, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = colour("ink");
    ctx.font = "11px sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, x, y + 0.5);
  };

  const levels = (state, panel) => ({
    id: "levels",
    beforeDatasetsDraw: ({ ctx, chartArea, scales }) => {
      ctx.save();
      ctx.strokeStyle = colour("soft");
      ctx.setLineDash([3, 3]);
      const wanted = panel === "price" ? (state.comparing ? [100] : []) : state.data.levels[panel] ?? [];
      for (const value of wanted) {
        const y = scales.y.getPixelForValue(value);
        if (y < chartArea.top || y > chartArea.bottom) continue;
        ctx.beginPath();
        ctx.moveTo(chartArea.left, y);
        ctx.lineTo(chartArea.right, y);
        ctx.stroke();
      }
      ctx.restore();
    },
  });

  const crosshair = (state) => ({
    id: "crosshair",
    afterDatasetsDraw: ({ ctx, chartArea, scales }) => {
      ctx.save();
      if (state.selected) {
        const [from, to] = state.selected.map((value) => scales.x.getPixelForValue(value));
        ctx.fillStyle = colour("chart-band");
        ctx.fillRect(from, chartArea.top, to - from, chartArea.bottom - chartArea.top);
      }
      const x = state.at === null ? NaN : scales.x.getPixelForValue(state.at);
      if (inside(chartArea, x)) {
        ctx.strokeStyle = colour("ink");
        ctx.lineWidth = 1;
        ctx.globalAlpha = 0.7;
        upright(ctx, chartArea, Math.round(x) + 0.5);
      }
      ctx.restore();
    },
  });

  /* Where the shape of a signal has its middle: under the low of a bar (BUY) or over its high (SELL). */
  const middle = (state, signal, scales) => {
    const buy = signal.kind === "BUY", { data } = state;
    const edge = state.comparing ? state.index.own[signal.at] : Number((data.kind === "candles" ? data[buy ? "low" : "high"] : data.mid)[signal.at]);
    const way = buy ? 1 : -1;
    return { x: scales.x.getPixelForValue(signal.at), y: scales.y.getPixelForValue(edge) + way * (AWAY + SHAPE), way };
  };

  const shapes = (state) => ({
    id: "shapes",
    afterDatasetsDraw: ({ ctx, chartArea, scales }) => {
      ctx.save();
      ctx.strokeStyle = colour("surface");
      state.data.signals.forEach((signal, number) => {
        const { x, y, way } = middle(state, signal, scales), size = number === state.chosen ? SHAPE * 1.8 : SHAPE;
        if (!inside(chartArea, x)) return;
        ctx.fillStyle = colour(way > 0 ? "up" : "down");
        ctx.beginPath();
        ctx.moveTo(x, y - way * size * 0.85);
        ctx.lineTo(x - size, y + way * size * 0.85);
        ctx.lineTo(x + size, y + way * size * 0.85);
        ctx.closePath();
        ctx.fill();
        ctx.stroke();
      });
      ctx.restore();
    },
  });

  const marks = (state, panel) => [breaks(state, panel), levels(state, panel), crosshair(state), ...(panel === "price" ? [shapes(state)] : [])];
  Object.assign(window.charon.charts, { marks, middle });
})();
