/* New candles refresh the page at once where there is a stream of events; where there is none, app.js asks every 15 s. */
(() => {
  "use strict";
  /* With a stream the page still asks now and then: an event may be lost. Bursts of events are one refresh. */
  const SELDOM = "120", GATHER = 3000;
  const region = () => document.querySelector("[data-stream]");
  const first = region();
  if (!first?.dataset.stream) return;

  const source = new EventSource(first.dataset.stream);
  let waiting = 0, live = false;

  const calm = () => {
    if (live && region()) region().dataset.every = SELDOM;
  };
  const refresh = () => {
    waiting = 0;
    const shown = region();
    if (shown && !document.hidden) htmx.trigger(shown, "refresh");
  };
  const heard = () => {
    waiting ||= setTimeout(refresh, GATHER);
  };

  for (const name of ["market:update:1h", "market:update:all", "prices.updated", "lost"]) source.addEventListener(name, heard);
  source.addEventListener("open", () => {
    live = true;
    calm();
  });
  /* Closed for good (503 without a proxy in front, 429): the page goes on asking as without a stream. */
  source.addEventListener("error", () => {
    live = source.readyState === EventSource.OPEN;
    if (!live && region()) region().dataset.every = "15";
  });
  document.addEventListener("htmx:afterSwap", calm);
})();

/* A form that changes something is sent once: a second click waits for the page that answers the first. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});
