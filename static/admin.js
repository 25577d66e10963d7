"use strict";
// Select2 names its box by its content alone, which is empty at first: the label of the field comes before it.
function nameBoxes() {
  for (const select of document.querySelectorAll("select.admin-autocomplete[id]")) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const box = select.parentElement.querySelector(".select2-selection[role=combobox]:not([data-named])");
    if (!label || !box) continue;
    label.id = label.id || `${select.id}_label`;
    const shown = box.querySelector(".select2-selection__rendered");
    box.dataset.named = "";
    box.setAttribute("aria-labelledby", shown ? `${label.id} ${shown.id}` : label.id);
    if (shown) shown.setAttribute("aria-labelledby", label.id);
  }
}
// It draws them when it likes, also for a row that is added later.
new MutationObserver(nameBoxes).observe(document.documentElement, { childList: true, subtree: true });
nameBoxes();
