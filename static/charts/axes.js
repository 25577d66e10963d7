/* The axes of a chart: marks on whole weeks, months and years (of candles on hours and days), evenly written prices. */
(() => {
  "use strict";
  const AXIS = 64, NARROW = 52, DAY = 864e5, MARK = 58;
  const { format } = window.charon;
  const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Warsaw", dateStyle: "short", timeStyle: "short" });
  const months = new Intl.DateTimeFormat(format.tag, { timeZone: "UTC", month: "short" });
  const weekdays = new Intl.DateTimeFormat(format.tag, { timeZone: "UTC", weekday: "short" });
  const styles = () => getComputedStyle(document.documentElement);
  const colour = (name) => styles().getPropertyValue(`--${name}`).trim();

  /* `2026-10-26` stays, a moment becomes `2026-10-26 11:00` in Polish time. */
  const localised = (times) => times.map((time) => (time.length > 10 ? local.format(new Date(time)) : time));
  const shortDay = (text) => (format.lang === "en" ? format.day(text).slice(0, -5) : format.day(text).slice(0, 5));
  const date = (text) => new Date(`${text.slice(0, 10)}T00:00:00Z`);

  /* How a time is written beside the values: `pon. 26.10.2026`, with the hour of a candle. */
  const written = (text) => {
    const hour = text.length > 10 ? `, ${text.slice(11)}` : "";
    return `${weekdays.format(date(text))} ${format.day(text)}${hour}`;
  };

  const PERIODS = [
    { least: 1000, key: (text) => text.slice(0, 4), label: (text) => text.slice(0, 4) },
    { least: 45, key: (text) => text.slice(0, 7), label: (text) => (text.slice(5, 7) === "01" ? text.slice(0, 4) : months.format(date(text))) },
    { least: 12, key: (text) => Math.floor((date(text) / DAY + 3) / 7), label: shortDay },
    { least: 2, key: (text) => text.slice(0, 10), label: shortDay },
    { least: 0, key: (text) => text.slice(0, 13), label: (text) => (text.length > 10 ? text.slice(11, 16) : shortDay(text)) },
  ];

  /* The first bar of each week, month or year in view. */
  const marks = (times, first, last) => {
    const inside = [];
    for (let slot = Math.max(0, Math.ceil(first)); slot <= Math.min(times.length - 1, last); slot += 1) if (times[slot]) inside.push(slot);
    if (inside.length < 2) return { slots: inside, label: PERIODS[4].label };
    const span = (date(times[inside.at(-1)]) - date(times[inside[0]])) / DAY;
    const { key, label } = PERIODS.find((one) => span > one.least || one.least === 0);
    let before = key(times[inside[0]]);
    const slots = inside.filter((slot) => {
      const now = key(times[slot]), begins = now !== before;
      before = now;
      return begins;
    });
    return { slots, label };
  };

  /* As many decimals as the step between two marks has. */
  const evenly = (value, index, all) => {
    const steps = all.slice(1).map((tick, place) => Math.abs(tick.value - all[place].value)).filter(Boolean);
    const step = steps.length ? Math.min(...steps) : 1;
    return format.fixed(value, Math.min(8, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))));
  };

  /* Steps of 1, 2 and 5 by ratios, even steps where the highest is not even four times the lowest. */
  const ratios = (scale) => {
    const { min, max } = scale;
    if (!(min > 0) || max / min < 4) return;
    const ticks = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power += 1) {
      for (const one of [1, 2, 5]) if (one * 10 ** power >= min && one * 10 ** power <= max) ticks.push({ value: one * 10 ** power });
    }
    scale.ticks = ticks;
  };
  /* Marks at whole multiples of 1, 2 or 5: the axis itself ends with the figures, not with zero. */
  const even = (scale, most) => {
    const { min, max } = scale, step = 10 ** Math.floor(Math.log10((max - min) / most || 1));
    const wide = [1, 2, 5, 10].map((one) => one * step).find((one) => (max - min) / one <= most);
    scale.ticks = [];
    for (let count = Math.ceil(min / wide); count * wide <= max; count += 1) scale.ticks.push({ value: count * wide });
  };

  /* A volume of 12 500 000 takes the room of a chart: 12,5 M. */
  const compact = new Intl.NumberFormat(format.tag, { notation: "compact", maximumFractionDigits: 1 });

  const axes = (state, panel) => {
    const price = panel === "price", narrow = innerWidth <= 640;
    const grid = { color: colour("chart-grid"), drawTicks: false }, ticks = { color: colour("soft"), font: { size: 11 } };
    const logarithmic = price && state.log;
    return {
      x: {
        type: "linear", offset: false, min: state.view.min, max: state.view.max, grid: { ...grid, offset: false }, border: { display: false },
        afterBuildTicks: (axis) => {
          const { slots, label } = marks(state.local, axis.min, axis.max), every = Math.ceil((slots.length * MARK) / axis.maxWidth) || 1;
          axis.ticks = slots.filter((slot, number) => number % every === 0).map((value) => ({ value }));
          axis.written = label;
        },
        ticks: {
          ...ticks, display: price, maxRotation: 0, autoSkip: false, padding: 4,
          callback(value) { return this.written(state.local[value]); },
        },
      },
      y: {
        type: logarithmic ? "logarithmic" : "linear", position: "left", bounds: "data", grid, border: { display: false },
        grace: panel === "rsi" || panel === "volume" ? undefined : "6%", min: panel === "rsi" ? 0 : undefined, max: panel === "rsi" ? 100 : undefined,
        beginAtZero: panel === "volume",
        afterFit: (axis) => { axis.width = narrow ? NARROW : AXIS; },
        afterBuildTicks: (axis) => {
          even(axis, price ? 6 : 3);
          if (logarithmic) ratios(axis);
        },
        ticks: {
          ...ticks, autoSkip: false,
          callback: panel === "volume" ? (value) => compact.format(value) : evenly,
        },
      },
    };
  };

  window.charon.charts = { axes, colour, localised, written, compact };
})();
