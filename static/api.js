/* Puts the address of this installation into the examples, and copies them. */
(() => {
  "use strict";
  const guide = document.getElementById("api-przewodnik");
  if (!guide) return;
  for (const code of guide.querySelectorAll("pre code")) {
    code.textContent = code.textContent.replaceAll(guide.dataset.origin, location.origin);
  }
  guide.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    document.getElementById("announcement").textContent = guide.dataset.copied;
    button.dataset.done = "";
    setTimeout(() => delete button.dataset.done, 1500);
  });
})();
