/* Refreshes every element with data-every (seconds) while the page is seen and nobody works inside it. */
(() => {
  "use strict";
  const SLOW = 300, PATIENCE = 3;
  const states = new Map();
  const announcement = document.getElementById("announcement");
  const strip = document.getElementById("refresh-failed");
  const hour = () => charon.format.time(new Date().toISOString());
  const now = () => performance.now() / 1000;
  /* What is typed into or chosen from is waited for; other focus is given back after a swap, where it has an id. */
  const used = (region) => {
    const active = document.activeElement;
    return region.contains(active) && active.matches("input, select, textarea");
  };

  const stateOf = (region) => {
    if (!states.has(region.id)) {
      states.set(region.id, { due: now() + Number(region.dataset.every), failures: 0, shown: hour(), body: "", held: false });
    }
    return states.get(region.id);
  };

  const refresh = (region, state) => {
    state.due = now() + Number(region.dataset.every);
    htmx.trigger(region, "refresh");
  };

  const tick = () => {
    if (document.hidden) return;
    for (const region of document.querySelectorAll("[data-every]")) {
      const state = stateOf(region);
      if (state.due <= now() && !used(region)) refresh(region, state);
    }
  };

  const succeeded = (id, status) => {
    const state = states.get(id), region = document.getElementById(id);
    state.failures = 0;
    if (!state.held) state.shown = hour();
    state.due = status === 286 ? Infinity : now() + Number(region.dataset.every);
    if (strip.contains(document.activeElement)) document.getElementById("tresc").focus({ preventScroll: true });
    strip.hidden = true;
  };

  const failed = (id) => {
    const state = states.get(id), region = document.getElementById(id);
    state.failures += 1;
    const every = Number(region.dataset.every);
    state.due = now() + (state.failures >= PATIENCE ? Math.max(SLOW, every) : every);
    strip.dataset.region = id;
    const text = strip.dataset.text.replace("{now}", hour()).replace("{shown}", state.shown);
    strip.querySelector("span").textContent = text;
    strip.hidden = false;
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.target, body = event.detail.serverResponse;
    if (!region.matches("[data-every]") || !event.detail.shouldSwap) return;
    /* Made here if no tick was yet: one between this and the end of the swap would make it without what stood before. */
    const state = stateOf(region);
    const regular = event.detail.requestConfig.triggeringEvent?.type === "refresh";
    state.held = used(region);
    if (state.held || (regular && body === state.body)) {
      event.detail.shouldSwap = false;
      return;
    }
    state.before = region.textContent;
    state.body = body;
    state.focus = region.contains(document.activeElement) ? document.activeElement.id : "";
    state.open = [...region.querySelectorAll("details[open][id]")].map((element) => element.id);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    const region = document.getElementById(event.detail.target?.id), state = region && states.get(region.id);
    if (!state) return;
    for (const id of state.open) document.getElementById(id)?.setAttribute("open", "");
  });

  /* By now other scripts have put their order and their buttons back as well. */
  document.addEventListener("htmx:afterSettle", (event) => {
    const region = document.getElementById(event.detail.target?.id), state = region && states.get(region.id);
    if (!state) return;
    if (state.focus) document.getElementById(state.focus)?.focus({ preventScroll: true });
    if (region.textContent.replace(/\s+/g, " ") !== state.before.replace(/\s+/g, " ")) {
      announcement.textContent = region.dataset.updated.replace("{now}", hour());
    }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const id = event.detail.target?.id;
    if (!states.has(id) || !document.getElementById(id)) return;
    if (event.detail.successful) succeeded(id, event.detail.xhr.status);
    else failed(id);
  });

  /* What the history puts back is older than the last answer: that one would be taken for what is shown. */
  document.addEventListener("htmx:historyRestore", () => {
    for (const state of states.values()) state.body = "";
  });

  strip.querySelector("button").addEventListener("click", () => {
    const region = document.getElementById(strip.dataset.region);
    if (region) refresh(region, stateOf(region));
  });

  setInterval(tick, 1000);
})();

/* Beside a moment its age, "8 min temu": by style, so that what is compared and read aloud stays what was sent. */
(() => {
  "use strict";
  const HALF_A_MINUTE = 30_000;
  const tell = () => {
    for (const element of document.querySelectorAll("time[data-rel]")) {
      const age = charon.format.relative(element.dateTime);
      if (age) element.dataset.age = age;
      else delete element.dataset.age;
    }
  };
  tell();
  setInterval(tell, HALF_A_MINUTE);
  document.addEventListener("htmx:afterSettle", tell);
  document.addEventListener("htmx:historyRestore", tell);
})();

/* The sheet of the menu closes by Escape and by a click elsewhere. */
(() => {
  "use strict";
  const sheet = document.querySelector(".menu .more");
  const close = () => sheet?.removeAttribute("open");
  document.addEventListener("click", (event) => { if (!sheet?.contains(event.target)) close(); });
  sheet?.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    sheet.querySelector("summary").focus();
  });
})();
