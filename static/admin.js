"use strict";
// Select2 names its box by its content alone, which is empty at first: the label of the field comes before it.
function nameBoxes() {
  for (const select of document.querySelectorAll("select.admin-autocomplete[id]")) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const box = select.parentElement.querySelector(".select2-selection[role=combobox]");
    if (!label || !box) continue;
    label.id = label.id || `${select.id}_label`;
    const content = box.getAttribute("aria-labelledby") || "";
    if (!content.includes(label.id)) box.setAttribute("aria-labelledby", `${label.id} ${content}`.trim());
  }
}
window.addEventListener("load", nameBoxes);
