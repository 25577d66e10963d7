/* Conveniences of the forms of tax and of the converter: they work without any of this. */
(() => {
  "use strict";
  const form = document.getElementById("pytanie");

  /* Whole, as it is sent on and printed; without scripts the path alone stands there. */
  for (const link of document.querySelectorAll(".permalink")) {
    link.dataset.whole = link.href;
    if (link.textContent === link.getAttribute("href")) link.textContent = link.href;
  }

  /* Fields that the chosen rule does not take are away, and are not sent. */
  const rule = form?.elements.regula;
  const names = { pit: "pit-revenue" };
  const follow = () => {
    const id = names[rule.value] ?? rule.value;
    for (const field of form.querySelectorAll("[data-rules]")) {
      const taken = field.dataset.rules.split(" ").includes(id);
      field.hidden = !taken;
      for (const control of field.querySelectorAll("input, select")) control.disabled = !taken;
    }
    const told = document.getElementById("regula-opis"), row = document.querySelector(`#regula-${id} td`);
    if (told && row) told.textContent = row.textContent;
  };
  if (rule && form.querySelector("[data-rules]")) rule.addEventListener("change", follow);

  /* A picker beside the field for a day: what is picked is written as it would be typed. */
  const written = (iso) => (document.documentElement.lang === "en" ? iso : iso.split("-").reverse().join("."));
  const read = (text) => {
    const parts = text.trim().split(/[\s./-]+/);
    if (parts.length !== 3) return "";
    if (parts[0].length !== 4) parts.reverse();
    return [parts[0], parts[1].padStart(2, "0"), parts[2].padStart(2, "0")].join("-");
  };
  for (const place of document.querySelectorAll(".picked[data-picker]")) {
    const typed = place.querySelector("input"), picker = document.createElement("input");
    picker.type = "date";
    picker.tabIndex = -1;
    picker.setAttribute("aria-label", place.dataset.picker);
    picker.addEventListener("focus", () => { picker.value = read(typed.value); });
    picker.addEventListener("change", () => {
      if (picker.value) typed.value = written(picker.value);
      typed.focus();
    });
    place.classList.add("has-picker");
    place.append(picker);
  }

  /* Empty fields are not sent: the address is the permalink at once. */
  form?.addEventListener("submit", () => {
    if (form.method !== "get") return;
    for (const control of form.elements) if (control.name && control.value === "" && control.name !== "data") control.disabled = true;
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted || form?.method !== "get") return;
    for (const control of form.elements) control.disabled = false;
    if (rule && form.querySelector("[data-rules]")) follow();
  });

  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    /* Only a secure address has a clipboard. */
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      await copy(button.dataset.value ?? document.getElementById(button.dataset.copy).textContent);
      button.textContent = button.dataset.done;
      document.getElementById("announcement").textContent = button.dataset.done;
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
  /* Not every browser opens what a link leads into. */
  const reveal = () => {
    const row = location.hash.startsWith("#regula-") && document.getElementById(location.hash.slice(1));
    const closed = row && row.closest("details");
    if (closed) { closed.open = true; row.scrollIntoView({ block: "center" }); }
  };
  addEventListener("hashchange", reveal);
  reveal();
  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
})();
