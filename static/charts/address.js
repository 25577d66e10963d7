/* What is seen stands in the address of the page, and the address of the figures follows from it. */
(() => {
  "use strict";
  const KNOWN = ["interwal", "zrodlo", "zakres", "od", "do", "wskazniki", "porownaj", "skala", "regula"];
  const DEFAULTS = { zakres: "1R", interwal: "1h", wskazniki: "macd" };
  const query = () => new URLSearchParams(location.search);

  const told = (parameters) => {
    /* URLSearchParams writes `macd%2Crsi` and `10%3A00`. */
    const text = parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    return text ? `?${text}` : "";
  };

  /* Set some parameters; an empty text, and what is so by default, takes one away. */
  const write = (changes, push = false) => {
    const parameters = query();
    for (const [name, value] of Object.entries(changes)) {
      if (value && DEFAULTS[name] !== value) parameters.set(name, value);
      else parameters.delete(name);
    }
    const address = location.pathname + told(parameters) + (push ? "" : location.hash);
    if (address === location.pathname + location.search + location.hash) return;
    /* The state that is there is htmx's: it knows by it what to do on the way back. */
    if (push) history.pushState({ chart: true }, "", address);
    else history.replaceState(history.state, "", address);
  };

  /* The figures: the path of the section, and of the page's parameters those that a chart knows. */
  const source = (section) => {
    const [path, given] = section.dataset.src.split("?"), fixed = new URLSearchParams(given ?? ""), mine = new URLSearchParams();
    const asked = query();
    if (fixed.has("interwal") && !asked.has("interwal")) asked.set("interwal", section.dataset.interwal ?? DEFAULTS.interwal);
    for (const name of KNOWN) {
      /* A form without scripts sends each switch, an empty one first. */
      const value = name === "wskazniki" ? asked.getAll(name).filter(Boolean).join(",") || (asked.has(name) ? "brak" : "") : asked.get(name);
      if (value) mine.set(name, value);
    }
    return path + told(mine);
  };

  const form = () => document.getElementById("wykres-opcje");
  const switched = () => [...form().querySelectorAll('[name="wskazniki"][type="checkbox"]:checked')].map((box) => box.value);
  const isLogarithmic = () => Boolean(form().elements.skala?.checked);

  /* What the form says goes into the address. */
  const fromForm = () => write({
    wskazniki: switched().join(",") || "brak",
    skala: isLogarithmic() ? "log" : "",
    porownaj: form().elements.porownaj?.value ?? "",
  });

  /* And on the way back in the history the other way round. */
  const toForm = () => {
    const asked = query(), wanted = (asked.has("wskazniki") ? asked.getAll("wskazniki").join(",") : DEFAULTS.wskazniki).split(",");
    for (const box of form().querySelectorAll('[name="wskazniki"][type="checkbox"]')) box.checked = wanted.includes(box.value);
    if (form().elements.skala) form().elements.skala.checked = asked.get("skala") === "log";
    if (form().elements.porownaj) form().elements.porownaj.value = asked.get("porownaj") ?? "";
  };

  /* The link of the range or of the interval that is shown; a zoomed chart is none of the ranges. */
  const mark = () => {
    const asked = query(), zoomed = asked.has("od") || asked.has("do");
    for (const link of document.querySelectorAll("#wykres .ranges a")) {
      const { zakres, interwal } = link.dataset;
      const current = zakres ? !zoomed && zakres === (asked.get("zakres") ?? DEFAULTS.zakres) : interwal === (asked.get("interwal") ?? DEFAULTS.interwal);
      if (current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    document.getElementById("wykres-calosc").hidden = !zoomed;
  };

  Object.assign(window.charon.charts, { write, source, fromForm, toForm, mark, switched, isLogarithmic });
})();
