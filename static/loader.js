/* Brings libraries from their CDN, checked by their hash; after 2.5 s or at the first fault our own copies take over. */
(() => {
  "use strict";
  const LIMIT = 2500;
  const orders = JSON.parse(document.currentScript.dataset.libraries);
  let reachable = true;

  /* Left async: an ordered script would wait behind a hung one for ever. */
  const add = (attributes, limit) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const timer = limit && setTimeout(() => { script.remove(); reject(new Error("too slow")); }, limit);
      script.onload = () => { clearTimeout(timer); resolve(); };
      script.onerror = () => { clearTimeout(timer); reject(new Error("not loaded")); };
      document.head.append(Object.assign(script, attributes));
    });

  const load = async ({ cdn, integrity, local }) => {
    if (cdn && reachable) {
      try {
        return await add({ crossOrigin: "anonymous", integrity, src: cdn }, LIMIT);
      } catch {
        reachable = false;
      }
    }
    return add({ src: local });
  };

  const all = async () => {
    for (const order of orders) await load(order);
    document.dispatchEvent(new Event("vendor:ready"));
  };
  const start = () => all().catch(() => document.dispatchEvent(new Event("vendor:missing")));
  /* Begun before, a CDN that is silent would keep the page loading until the browser gives it up. */
  if (document.readyState === "complete") start();
  else addEventListener("load", start, { once: true });
})();
