/* Saves the previewed rule with a token that is typed in. It stays in the field: nothing stores it or puts it in a URL. */
(() => {
  "use strict";
  const area = document.getElementById("zapis");

  document.addEventListener("htmx:afterRequest", (event) => {
    const shown = document.getElementById("podglad");
    if (event.detail.target === shown && !event.detail.successful) shown.textContent = shown.dataset.failed;
  });
  // What is saved is what the preview says: until it says what was typed, there is nothing to save.
  document.getElementById("pola")?.addEventListener("input", () => {
    for (const button of document.querySelectorAll("#podglad .keep button")) button.disabled = true;
    document.getElementById("regula-do-zapisu")?.remove();
  });
  if (!area) return;

  const field = document.getElementById("token");
  const said = document.getElementById("zapis-wynik");
  const say = (name, number = "") => {
    said.textContent = area.dataset[name].replace("{number}", number);
  };
  const nameOf = (status) => (status === 429 ? "limit" : [401, 403].includes(status) ? "refused" : "invalid");

  const send = async (rule, token) => {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const answer = await fetch(area.dataset.api, { method: "POST", headers, body: rule, credentials: "omit" });
    if (!answer.ok) return say(nameOf(answer.status));
    say("saved", (await answer.json()).id);
    htmx.trigger("#lista-alertow", "refresh");
  };

  document.getElementById("zapisz-tokenem").addEventListener("click", async (event) => {
    const rule = document.getElementById("regula-do-zapisu")?.dataset.rule, token = field.value.trim();
    if (!rule) return say("first");
    if (!token) return say("token");
    if (!/^[\x21-\x7e]+$/.test(token)) return say("refused");
    event.target.disabled = true;
    try {
      await send(rule, token);
    } catch {
      say("network");
    } finally {
      event.target.disabled = false;
    }
  });
})();
