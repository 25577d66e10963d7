/* The values at the crosshair in words, above each panel: they are the legend too. */
(() => {
  "use strict";
  const { compact, written } = window.charon.charts, { format } = window.charon;

  const shown = (value, decimals) => (typeof value === "string" ? format.number(value) : format.fixed(value, decimals));
  const part = (tone, label, text) => ({ tone, label, text });
  const unit = (text, data) => (data.unit ? `${text}\u00a0${data.unit}` : text);

  const own = (state, slot) => {
    const { data } = state;
    if (state.comparing) {
      const { own: mine, other } = state.index;
      const both = [["mid", data.code, mine], ["other", data.compared.code, other]];
      return both.filter(([, , values]) => values[slot] != null).map(([tone, label, values]) => part(tone, label, format.fixed(values[slot], 2)));
    }
    if (data.kind === "candles") {
      return Object.entries(data.labels).map(([name, label]) => part(name === "mid" ? "mid" : "", label, shown(data[name][slot])));
    }
    const parts = [part("mid", data.label, unit(shown(data.mid[slot]), data))];
    if (data.bid[slot]) parts.push(part("band", data.band_label, `${shown(data.bid[slot])}–${shown(data.ask[slot])}`));
    return parts;
  };

  const computed = ({ data, comparing }, panel, slot) =>
    panel === "price" && comparing
      ? []
      : data.lines
          .filter((one) => one.panel === panel && !["thin", "on"].includes(one.mark) && one.values[slot] !== null)
          .map((one) => part(one.mark === "bar" ? "bar" : one.tone, one.label, shown(one.values[slot], one.decimals)));

  /* Of eight averages the fastest and the slowest. */
  const ribbon = ({ data, comparing }, panel, slot) => {
    const all = comparing ? [] : data.lines.filter((one) => one.panel === panel && one.mark === "thin" && one.values[slot] !== null);
    return all.filter((one, number) => number === 0 || number === all.length - 1).map((one) => part(one.tone, one.label, shown(one.values[slot], one.decimals)));
  };

  const parts = (state, panel, slot) => {
    if (panel === "volume") return state.data.volume[slot] === null ? [] : [part("bar", state.data.volume_label, compact.format(state.data.volume[slot]))];
    return [...(panel === "price" ? own(state, slot) : []), ...computed(state, panel, slot), ...ribbon(state, panel, slot)];
  };

  const element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text, ...(className && { className }) });
  const chip = ({ tone, label, text }) => {
    const span = element("span", "");
    if (tone) span.dataset.tone = tone;
    span.append(`${label} `, element("b", text));
    return span;
  };

  /* A candle that is still open has no computed values: while nobody points, those before it stand. */
  const computedAt = (state, panel, slot) => {
    const found = parts(state, panel, slot);
    return found.length || state.at !== null || slot === 0 ? found : parts(state, panel, slot - 1);
  };

  const read = (state) => {
    const slot = state.at ?? state.resting, interrupted = state.data.breaks.find((one) => one.at === slot);
    for (const output of document.querySelectorAll("#wykres-rysunek .reading")) {
      const { panel } = output.dataset;
      if (interrupted) output.replaceChildren(...(panel === "price" ? [element("span", interrupted.text, "interrupted")] : []));
      else if (panel === "price") {
        const base = state.comparing ? [element("span", document.getElementById("wykres-rysunek").dataset.base)] : [];
        const signal = state.data.signals.find((one) => one.at === slot);
        const said = signal ? [element("span", signal.text.split(" ").slice(0, 2).join(" "), signal.kind === "BUY" ? "up" : "down")] : [];
        output.replaceChildren(element("time", written(state.local[slot])), ...parts(state, panel, slot).map(chip), ...base, ...said);
      } else output.replaceChildren(...computedAt(state, panel, slot).map(chip));
    }
  };

  Object.assign(window.charon.charts, { read });
})();
