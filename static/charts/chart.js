/* The chart of a page: brings its figures, draws them once Chart.js is here, and keeps what is seen in the address. */
(() => {
  "use strict";
  const SETTLED = 250, EDGE = 0.02, THINNED = 0.6;
  const { charts: tools } = window.charon;
  const find = (id) => document.getElementById(id);
  const state = {
    data: null, local: [], charts: [], view: { min: 0, max: 1 }, at: null, resting: 0, chosen: -1, selected: null, log: false, comparing: false, index: null,
  };
  let body = "", drawnOn = null, timer = 0, frame = 0, asking = null, settling = false, ready = false, missing = false;

  const paint = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      if (!state.charts.length) return;
      for (const chart of state.charts) chart.draw();
      tools.read(state);
    });
  };

  state.point = (slot, spoken = false) => {
    state.at = slot;
    paint();
    if (!spoken) return;
    tools.read(state);
    find("announcement").textContent = [...find("wykres-odczyt").children].map((part) => part.textContent).join(", ");
  };
  state.select = (slots) => {
    state.selected = slots;
    paint();
  };
  state.show = (view) => {
    state.view = view;
    rest();
    tools.move(state);
    tools.read(state);
    clearTimeout(timer);
    settling = true;
    timer = setTimeout(settle, SETTLED);
  };
  state.reset = () => {
    clearTimeout(timer);
    tools.write({ od: "", do: "" });
    load();
  };
  /* A signal in words with the link to its explanation, or that page itself. */
  state.open = (number, follow) => {
    const signal = state.data.signals[number];
    if (follow) {
      location.assign(signal.href);
      return;
    }
    state.chosen = number;
    state.at = signal.at;
    find("sygnal-opis").textContent = signal.text;
    Object.assign(find("sygnal-link"), { href: signal.href, hidden: false });
    if (signal.at < state.view.min || signal.at > state.view.max) {
      const half = (state.view.max - state.view.min) / 2;
      state.show(tools.clamp(state, signal.at - half, signal.at + half));
    }
    paint();
  };

  /* Where the values are read while nobody points: the newest bar in view. */
  const rest = () => {
    const { data, view } = state;
    let slot = Math.min(data.times.length - 1, Math.floor(view.max));
    while (slot > 0 && !data.times[slot]) slot -= 1;
    state.resting = slot;
  };
  const edges = () => {
    const { data, view } = state, inside = data.times.slice(Math.max(0, Math.ceil(view.min)), Math.floor(view.max) + 1).filter(Boolean);
    return [inside[0], inside.at(-1)];
  };
  /* Zoomed and still: into the address, and what is coarse or at its end is asked for again. */
  const settle = () => {
    settling = false;
    const { data, view } = state, [od, last] = edges(), many = data.times.length, size = view.max - view.min;
    if (!od) return;
    tools.write({ od, do: last });
    tools.mark();
    const coarse = data.step > 1 && size < many * THINNED, ending = view.min < -0.5 + many * EDGE || view.max > many - 0.5 - many * EDGE;
    if (coarse || ending) load();
    else links();
  };

  /* The table and the lines for a spreadsheet are of the part in view. */
  const links = () => {
    const source = tools.source(find("wykres")), query = source.includes("?") ? source.slice(source.indexOf("?")) : "";
    const table = state.data.table.split("?")[0] + query, details = find("tabela-wykresu");
    if (details.dataset.src !== table) {
      details.dataset.src = table;
      if (details.open) rows();
    }
    if (find("tabela-link")) find("tabela-link").href = table;
    const csv = find("wykres-csv"), [first, last] = edges();
    if (!csv || !first) return;
    const address = new URL(csv.href), full = (text) => (text.length > 10 ? text.replace("Z", ":00Z") : text);
    address.searchParams.set("from", full(first));
    address.searchParams.set("to", full(last));
    csv.href = address.pathname + address.search;
  };
  const rows = () => htmx.ajax("GET", find("tabela-wykresu").dataset.src, { target: "#tabela-wiersze" });

  const load = async () => {
    const section = find("wykres");
    if (!section || !find("wykres-rysunek")) return;
    asking?.abort();
    asking = new AbortController();
    try {
      const response = await fetch(tools.source(section), { cache: "no-cache", signal: asking.signal });
      if (!response.ok) throw new Error(response.status);
      const text = await response.text();
      if (settling || (text === body && drawnOn === section)) return;
      body = text;
      state.data = JSON.parse(text);
      take();
      draw();
    } catch (error) {
      if (error.name !== "AbortError" && !state.charts.length) fail();
    }
  };
  const take = () => {
    const { data } = state, [first, last] = data.view;
    state.local = tools.localised(data.times);
    state.view = { min: first - 0.5, max: last + 0.5 };
    Object.assign(state, { at: null, chosen: -1, selected: null, comparing: Boolean(data.compared) });
    rest();
    find("wykres-kursu").setAttribute("aria-label", data.summary);
    find("wykres-uwagi").replaceChildren(...data.notes.map((text) => Object.assign(document.createElement("p"), { className: "note", textContent: text })));
    const output = find("sygnal-opis");
    output.dataset.some ??= output.textContent;
    output.textContent = data.signals.length ? output.dataset.some : output.dataset.none;
    find("sygnal-link").hidden = true;
    for (const button of document.querySelectorAll("#wykres button[data-step]")) button.disabled = !data.signals.length;
    links();
  };

  const clear = () => {
    for (const chart of state.charts) {
      const { canvas } = chart;
      chart.destroy();
      canvas.removeAttribute("style");
    }
    state.charts = [];
  };
  const draw = () => {
    const section = find("wykres");
    if (!section || !find("wykres-rysunek") || !ready || !state.data) return;
    clear();
    for (const panel of section.querySelectorAll(".panel")) panel.hidden = !tools.switched().includes(panel.id.slice("panel-".length));
    state.log = tools.isLogarithmic();
    const scale = find("wykres-opcje").elements.skala;
    if (scale) scale.closest("label").hidden = !state.data.long && !scale.checked;
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    state.charts = [...section.querySelectorAll("canvas[data-panel]")].filter((canvas) => !canvas.closest("[hidden]")).map((canvas) => tools.make(state, canvas));
    drawnOn = section;
    tools.mark();
    tools.read(state);
  };
  const fail = () => {
    find("bez-wykresu")?.removeAttribute("hidden");
    find("wykres-rysunek")?.setAttribute("hidden", "");
    const details = find("tabela-wykresu");
    if (details) details.open = true;
  };

  const equip = () => {
    const drawing = find("wykres-rysunek");
    if (!drawing || drawing.dataset.ready) return;
    drawing.dataset.ready = "1";
    tools.listen(state, drawing);
    find("tabela-wykresu").addEventListener("toggle", (event) => event.target.open && rows());
    find("wykres-opcje").addEventListener("change", (event) => {
      tools.fromForm();
      if (event.target.name === "skala") draw();
      else load();
    });
    load();
    if (missing) fail();
  };

  document.addEventListener("click", (event) => {
    const step = event.target.closest("#wykres button[data-step]"), link = event.target.closest("#wykres .ranges a[data-zakres]");
    if (step && state.data) {
      const last = state.data.signals.length - 1, by = Number(step.dataset.step);
      state.open(state.chosen < 0 ? last : Math.min(last, Math.max(0, state.chosen + by)), false);
    }
    if (event.target.closest("#wykres-calosc")) state.reset();
    if (link && state.charts.length && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      tools.write({ zakres: link.dataset.zakres, od: "", do: "" }, true);
      load();
    }
  });
  addEventListener("popstate", () => {
    if (!find("wykres-opcje")) return;
    tools.toForm();
    load();
  });
  /* Chart.js alone is not enough: the candles are drawn by a library behind it. */
  document.addEventListener("vendor:ready", () => { ready = true; draw(); });
  document.addEventListener("vendor:missing", () => { missing = true; fail(); });
  document.addEventListener("charon:theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  /* A region of the page was refreshed: there may be newer figures, or this section itself was replaced. */
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "tabela-wiersze") return;
    equip();
    if (find("wykres") === drawnOn) load();
  });
  document.addEventListener("htmx:historyRestore", equip);
  /* What Chart.js wrote into a canvas must not be stored with the page: the policy would refuse its styles. */
  document.addEventListener("htmx:beforeHistorySave", () => {
    clear();
    find("wykres-rysunek")?.removeAttribute("data-ready");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.shouldSwap && event.detail.target?.contains(find("wykres"))) clear();
  });
  equip();
})();
