/* The table of currencies: its headings sort and its field filters without asking the server; the address says how, so that Back and a
   link give the same. Stars keep rows on top in this browser. */
(() => {
  "use strict";
  const STORE = "charon.pins";
  const collator = new Intl.Collator(window.charon?.format?.tag ?? "pl-PL", { sensitivity: "base" });
  let order = [];

  const stored = () => {
    try {
      const pins = JSON.parse(localStorage.getItem(STORE) ?? "[]");
      return new Set(Array.isArray(pins) ? pins : []);
    } catch {
      return new Set();
    }
  };
  let pins = stored();
  const table = () => document.getElementById("tabela");
  const filter = () => document.getElementById("filtr");
  const codeOf = (row) => row.querySelector("th a").textContent;
  /* NFD takes the marks off every Polish letter but ł. */
  const plain = (text) => text.toLowerCase().replaceAll("ł", "l").normalize("NFD").replace(/\p{M}/gu, "");

  /* What the address chooses: the text of the filter, the key of a heading and its direction. */
  const view = () => {
    const asked = new URLSearchParams(location.search), sort = asked.get("sort") ?? "";
    return { text: asked.get("filtr") ?? "", key: sort.replace(/^-/, ""), descending: sort.startsWith("-") };
  };
  const address = (href, chosen) => {
    const url = new URL(href, location.href);
    const values = { filtr: chosen.text, sort: chosen.key && `${chosen.descending ? "-" : ""}${chosen.key}` };
    for (const [name, value] of Object.entries(values)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    return `${url.pathname}${url.search}`;
  };

  const headings = () => [...table().tHead.rows[0].cells].filter((cell) => cell.dataset.key);
  const valueOf = (row, heading) => {
    const cell = row.cells[heading.cellIndex], text = cell.dataset.v ?? cell.querySelector("a")?.textContent ?? cell.textContent.trim();
    if (heading.dataset.kind !== "number") return text;
    return text === "" ? null : Number(text);
  };
  /* What has no value stays at the end, whichever way the column runs. */
  const compare = (a, b, descending) => {
    if (a === b) return 0;
    if (a === null) return 1;
    if (b === null) return -1;
    const way = typeof a === "number" ? a - b : collator.compare(a, b);
    return descending ? -way : way;
  };
  /* The most usual currencies first, then by code, as the server has them. */
  const usual = () => {
    const first = table().dataset.first.split(" ");
    const place = (code) => (first.includes(code) ? first.indexOf(code) : first.length);
    return (a, b) => place(codeOf(a)) - place(codeOf(b)) || collator.compare(codeOf(a), codeOf(b));
  };

  /* First as people expect it (names from A, figures from the highest), then the other way, then as it was. */
  const next = (heading, chosen) => {
    const first = heading.dataset.kind === "number";
    if (chosen.key !== heading.dataset.key) return { ...chosen, key: heading.dataset.key, descending: first };
    return chosen.descending === first ? { ...chosen, descending: !first } : { ...chosen, key: "", descending: false };
  };

  const arrange = (chosen) => {
    const heading = headings().find((cell) => cell.dataset.key === chosen.key);
    const rows = [...order].sort(usual());
    if (heading) {
      const values = new Map(rows.map((row) => [row, valueOf(row, heading)]));
      rows.sort((a, b) => compare(values.get(a), values.get(b), chosen.descending));
    }
    const sorted = [...rows.filter((row) => pins.has(codeOf(row))), ...rows.filter((row) => !pins.has(codeOf(row)))];
    const body = table().tBodies[0];
    if (sorted.some((row, place) => body.rows[place] !== row)) body.append(...sorted);
    for (const cell of headings()) {
      cell.setAttribute("aria-sort", cell === heading ? (chosen.descending ? "descending" : "ascending") : "none");
      cell.querySelector("a").href = address(location.href, next(cell, chosen));
    }
  };

  const pinnedOnly = () => table().dataset.tab === "przypiete";
  const sift = (chosen) => {
    const wanted = plain(chosen.text.trim());
    let shown = 0, candidates = 0;
    for (const row of order) {
      const candidate = !pinnedOnly() || pins.has(codeOf(row));
      row.hidden = !candidate || !plain(`${row.cells[0].querySelector("a").textContent} ${row.cells[1].textContent}`).includes(wanted);
      candidates += candidate ? 1 : 0;
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("ile").textContent = shown;
    document.querySelector(".no-match").hidden = shown > 0 || candidates === 0;
    table().hidden = candidates === 0 && pinnedOnly();
    const none = document.querySelector(".none-pinned");
    if (none) none.hidden = candidates > 0;
    return shown;
  };

  /* Rows of retired currencies are filtered alike, and come to light where one matches. */
  const siftRetired = (chosen) => {
    const details = document.getElementById("nieaktualne"), wanted = plain(chosen.text.trim());
    if (!details) return;
    const rows = [...details.querySelectorAll("tbody tr")];
    for (const row of rows) row.hidden = !plain(`${row.cells[0].textContent} ${row.cells[1].textContent}`).includes(wanted);
    if (wanted) details.open = rows.some((row) => !row.hidden);
  };

  /* Links that lead away from this view keep the rest of it. */
  const follow = (chosen) => {
    for (const link of document.querySelectorAll(".all .tabs a, #szerzej")) link.href = address(link.href, chosen);
    document.getElementById("wyczysc").href = address(location.href, { ...chosen, text: "" });
    const sort = document.querySelector("#szukaj [name=sort]");
    if (sort) sort.value = `${chosen.descending ? "-" : ""}${chosen.key}`;
  };

  const show = () => {
    const chosen = view();
    arrange(chosen);
    const shown = sift(chosen);
    siftRetired(chosen);
    follow(chosen);
    return shown;
  };

  const filtered = (text) => {
    history.replaceState(history.state, "", address(location.href, { ...view(), text }));
    const shown = show();
    const announcement = document.getElementById("announcement");
    if (announcement) announcement.textContent = shown ? "" : table().dataset.none;
  };

  const mark = (row, button) => {
    const code = codeOf(row), pinned = pins.has(code);
    const label = pinned ? table().dataset.unpin : table().dataset.pin;
    button.setAttribute("aria-label", label.replace("{code}", code));
    button.title = label.replace("{code}", code);
    button.textContent = pinned ? "★" : "☆";
    button.classList.toggle("on", pinned);
    row.classList.toggle("pinned", pinned);
  };

  const pin = (row, button) => {
    pins = stored();
    const code = codeOf(row);
    if (!pins.delete(code)) pins.add(code);
    try {
      localStorage.setItem(STORE, JSON.stringify([...pins]));
    } catch {
      /* Storage may be forbidden: the star then lasts as long as the page. */
    }
    mark(row, button);
    show();
    if (!row.hidden) button.focus({ preventScroll: true });
  };

  const starred = (row) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "star";
    button.id = `gwiazdka-${codeOf(row)}`;
    button.addEventListener("click", () => pin(row, button));
    mark(row, button);
    row.cells[0].prepend(button);
  };

  const equip = () => {
    if (!table() || table().dataset.ready) return;
    table().dataset.ready = "1";
    order = [...table().tBodies[0].rows];
    order.forEach(starred);
    show();
  };

  const plainClick = (event) => !(event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  document.addEventListener("click", (event) => {
    const heading = event.target.closest?.("#tabela th[data-key]"), clear = event.target.closest?.("#wyczysc");
    if (!plainClick(event) || (!clear && !(heading && event.target.closest("a")))) return;
    event.preventDefault();
    const chosen = clear ? { ...view(), text: "" } : next(heading, view());
    history.pushState({}, "", address(location.href, chosen));
    filter().value = chosen.text;
    show();
    if (clear) filter().focus();
  });
  document.addEventListener("input", (event) => event.target.id === "filtr" && filtered(event.target.value));
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "szukaj") return;
    event.preventDefault();
    filtered(filter().value);
  });
  window.addEventListener("popstate", () => {
    if (!table()) return;
    filter().value = view().text;
    show();
  });
  /* Another tab of the browser has pinned or unpinned. */
  window.addEventListener("storage", (event) => {
    if (event.key !== STORE || !table()) return;
    pins = stored();
    for (const row of order) mark(row, row.querySelector(".star"));
    show();
  });
  document.addEventListener("htmx:afterSwap", equip);
  equip();
})();
