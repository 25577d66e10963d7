/* What Swagger UI leaves out for screen readers: names of its controls, and links that lie within buttons. */
(() => {
  "use strict";
  const names = { "select": "Choice", "input": "Value", "textarea": "Body" };
  const mend = (root) => {
    for (const link of root.querySelectorAll("button a[href]")) link.removeAttribute("href");
    for (const field of root.querySelectorAll("select, input:not([type=hidden]), textarea")) {
      const named = [...(field.labels ?? [])].some((label) => label.textContent.replace(field.textContent, "").trim());
      if (!named && !field.ariaLabel) field.ariaLabel = field.closest("tr")?.dataset.paramName || field.placeholder || names[field.localName];
    }
    for (const heading of root.querySelectorAll("h3, h4, h5")) heading.ariaLevel = "2";
    for (const section of root.querySelectorAll(".scheme-container")) section.setAttribute("role", "region"), (section.ariaLabel = "Server and authorization");
  };
  const target = document.getElementById("swagger-ui");
  new MutationObserver(() => mend(target)).observe(target, { childList: true, subtree: true });
  mend(target);
})();
