/* The table of currencies: sorting by its headers, a filter, and stars that keep a row on top in this browser. */
(() => {
  "use strict";
  const STORE = "charon.pins";
  const collator = new Intl.Collator("pl", { sensitivity: "base" });
  const view = { column: -1, descending: false };
  let order = [];

  const stored = () => {
    try {
      const pins = JSON.parse(localStorage.getItem(STORE) ?? "[]");
      return new Set(Array.isArray(pins) ? pins : []);
    } catch {
      return new Set();
    }
  };
  const pins = stored();
  const table = () => document.getElementById("tabela");
  const filter = () => document.getElementById("filtr");
  const codeOf = (row) => row.querySelector("th a").textContent;
  /* NFD takes the marks off every Polish letter but ł. */
  const plain = (text) => text.toLowerCase().replaceAll("ł", "l").normalize("NFD").replace(/\p{M}/gu, "");

  const keyOf = (row, column, kind) => {
    const cell = row.cells[column], text = cell.dataset.v ?? cell.textContent.trim();
    if (kind !== "number") return text;
    return text === "" ? null : Number(text);
  };

  /* What has no value stays at the end, whichever way the column runs. */
  const compare = (a, b) => {
    if (a === b) return 0;
    if (a === null) return 1;
    if (b === null) return -1;
    const way = typeof a === "number" ? a - b : collator.compare(a, b);
    return view.descending ? -way : way;
  };

  const arrange = () => {
    const body = table().tBodies[0], header = table().tHead.rows[0].cells[view.column];
    let rows = [...order];
    if (header) {
      const keys = new Map(rows.map((row) => [row, keyOf(row, view.column, header.dataset.sort)]));
      rows.sort((a, b) => compare(keys.get(a), keys.get(b)));
    }
    rows = [...rows.filter((row) => pins.has(codeOf(row))), ...rows.filter((row) => !pins.has(codeOf(row)))];
    body.append(...rows);
    for (const cell of table().tHead.rows[0].cells) {
      if (!cell.dataset.sort) continue;
      const state = view.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", cell === header ? state : "none");
    }
  };

  const sift = () => {
    const wanted = plain(filter().value.trim());
    let shown = 0;
    for (const row of order) {
      row.hidden = !plain(`${row.cells[0].textContent} ${row.cells[1].textContent}`).includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    document.querySelector(".no-match").hidden = shown > 0;
  };

  /* First as people expect it (names from A, figures from the highest), then the other way, then as it was. */
  const turn = (column, kind) => {
    const first = kind === "number";
    if (view.column !== column) Object.assign(view, { column, descending: first });
    else if (view.descending === first) view.descending = !first;
    else Object.assign(view, { column: -1, descending: false });
    arrange();
  };

  const sortable = (cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.id = `sortuj-${column}`;
    button.append(...cell.childNodes);
    button.addEventListener("click", () => turn(column, cell.dataset.sort));
    cell.append(button);
  };

  const mark = (row, button) => {
    const pinned = pins.has(codeOf(row));
    button.setAttribute("aria-pressed", pinned);
    button.textContent = pinned ? "★" : "☆";
    row.classList.toggle("pinned", pinned);
  };

  const pin = (row, button) => {
    const code = codeOf(row);
    if (!pins.delete(code)) pins.add(code);
    try {
      localStorage.setItem(STORE, JSON.stringify([...pins]));
    } catch {
      /* Storage may be forbidden: the star then lasts as long as the page. */
    }
    mark(row, button);
    arrange();
    button.focus();
  };

  const starred = (row) => {
    const button = document.createElement("button"), code = codeOf(row);
    button.type = "button";
    button.className = "star";
    button.id = `gwiazdka-${code}`;
    button.setAttribute("aria-label", table().dataset.pin.replace("{code}", code));
    button.addEventListener("click", () => pin(row, button));
    mark(row, button);
    row.cells[0].prepend(button);
  };

  const equip = () => {
    if (!table() || table().dataset.ready) return;
    table().dataset.ready = "1";
    order = [...table().tBodies[0].rows];
    [...table().tHead.rows[0].cells].forEach((cell, column) => cell.dataset.sort && sortable(cell, column));
    order.forEach(starred);
    arrange();
    sift();
    document.querySelector(".no-match button").addEventListener("click", () => {
      filter().value = "";
      sift();
      filter().focus();
    });
  };

  document.addEventListener("input", (event) => event.target.id === "filtr" && sift());
  document.addEventListener("htmx:afterSwap", equip);
  equip();
})();
