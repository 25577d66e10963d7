/* Runs before the first paint, so that no page flashes in the other theme; later it works the button. */
(() => {
  "use strict";
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* kept for this page alone */ } };
  const shown = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const label = () => {
    const button = document.getElementById("motyw");
    if (button) button.ariaLabel = button.title = shown() === "dark" ? button.dataset.light : button.dataset.dark;
  };

  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  document.addEventListener("DOMContentLoaded", label);
  dark.addEventListener("change", label);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#motyw")) return;
    root.dataset.theme = shown() === "dark" ? "light" : "dark";
    store(root.dataset.theme);
    label();
    document.dispatchEvent(new Event("charon:theme"));
  });
})();
