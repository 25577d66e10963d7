/* Wheel, pinch, drag and keys: which part is in view, and where the crosshair stands. */
(() => {
  "use strict";
  const LEAST = 5, NEAR = 10, FINGER = 18, DRAGGED = 8, STEP = 1.25, DOUBLE = 250;
  const { middle } = window.charon.charts;

  const price = (state) => state.charts.find((chart) => chart.canvas.dataset.panel === "price");
  const count = (state) => state.data.times.length;
  const width = ({ view }) => view.max - view.min;

  /* The view, inside of what is loaded. */
  const clamp = (state, min, max) => {
    const size = Math.min(Math.max(max - min, LEAST), count(state)), middleOf = (min + max) / 2;
    const first = Math.min(Math.max(middleOf - size / 2, -0.5), count(state) - 0.5 - size);
    return { min: first, max: first + size };
  };
  const zoom = (state, factor, around) => {
    const { view } = state, size = width(state) * factor, share = (around - view.min) / width(state);
    state.show(clamp(state, around - size * share, around + size * (1 - share)));
  };
  const pan = (state, by) => {
    const size = width(state), first = Math.min(Math.max(state.view.min + by, -0.5), count(state) - 0.5 - size);
    state.show({ min: first, max: first + size });
  };

  const slotAt = (state, event) => {
    const chart = price(state), box = chart.canvas.getBoundingClientRect();
    return chart.scales.x.getValueForPixel(event.clientX - box.left);
  };
  const bounded = (state, slot) => Math.min(Math.max(Math.round(slot), Math.max(0, Math.ceil(state.view.min))), Math.min(count(state) - 1, Math.floor(state.view.max)));
  const slotsFor = (state, pixels) => (pixels / price(state).chartArea.width) * width(state);

  /* The number of the shape under the pointer; -1 for none. */
  const shapeAt = (state, event) => {
    const chart = price(state), box = chart.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const far = (signal) => {
      const at = middle(state, signal, chart.scales);
      return Math.hypot(at.x - x, at.y - y);
    };
    const best = state.data.signals.reduce((found, signal, number) => (found < 0 || far(signal) < far(state.data.signals[found]) ? number : found), -1);
    return best >= 0 && far(state.data.signals[best]) <= (event.pointerType === "touch" ? FINGER : NEAR) ? best : -1;
  };

  /* Two fingers: their middle stays on its bar, their distance is the zoom. */
  const pinched = (state, fingers, before) => {
    const [a, b] = [...fingers.values()], distance = Math.max(20, Math.abs(a.clientX - b.clientX)), at = { clientX: (a.clientX + b.clientX) / 2 };
    if (before) {
      pan(state, -slotsFor(state, at.clientX - before.at.clientX));
      zoom(state, before.distance / distance, slotAt(state, at));
    }
    return { distance, at };
  };

  const listen = (state, drawing) => {
    const fingers = new Map();
    let pinch = null, drag = null, opening = 0;
    const ready = () => state.data && state.charts.length;
    const on = (name, act, options) => drawing.addEventListener(name, (event) => ready() && act(event), options);

    on("wheel", (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) pan(state, slotsFor(state, event.deltaX || event.deltaY));
      else zoom(state, event.deltaY < 0 ? 1 / STEP : STEP, slotAt(state, event));
    }, { passive: false });

    on("pointerdown", (event) => {
      if (!event.target.matches("canvas")) return;
      fingers.set(event.pointerId, event);
      pinch = fingers.size === 2 ? pinched(state, fingers, null) : null;
      if (event.pointerType === "mouse" && event.button === 0) {
        drag = { from: event.clientX, last: event.clientX, slot: slotAt(state, event), pans: event.shiftKey };
        drawing.setPointerCapture(event.pointerId);
      }
    });
    on("pointermove", (event) => {
      if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
      if (fingers.size === 2) pinch = pinched(state, fingers, pinch);
      else if (drag?.pans) pan(state, -slotsFor(state, event.clientX - drag.last));
      else if (drag && Math.abs(event.clientX - drag.from) >= DRAGGED) state.select([drag.slot, slotAt(state, event)]);
      if (drag) drag.last = event.clientX;
      if (fingers.size < 2 && !(drag && state.selected)) state.point(bounded(state, slotAt(state, event)));
      price(state).canvas.classList.toggle("on-shape", event.pointerType === "mouse" && shapeAt(state, event) >= 0);
    });
    const up = (event) => {
      const moved = drag && Math.abs(event.clientX - drag.from) >= DRAGGED, pinching = fingers.size > 1;
      fingers.delete(event.pointerId);
      pinch = null;
      const selected = state.selected;
      state.select(null);
      if (selected && moved) state.show(clamp(state, Math.min(...selected), Math.max(...selected)));
      else if (!moved && !pinching && event.type === "pointerup" && event.target.closest("#wykres-rysunek")) {
        state.point(bounded(state, slotAt(state, event)));
        const shape = shapeAt(state, event);
        const follow = event.pointerType === "mouse" || shape === state.chosen;
        clearTimeout(opening);
        /* A finger hides what it points at: the first touch chooses, the second opens. A second click undoes the zoom. */
        if (shape >= 0) state.open(shape, false);
        if (shape >= 0 && follow) opening = setTimeout(() => state.open(shape, true), DOUBLE);
      }
      drag = null;
    };
    on("pointerup", up);
    on("pointercancel", up);
    on("pointerleave", (event) => { if (event.pointerType === "mouse" && !drag) state.point(null); });
    on("dblclick", () => {
      clearTimeout(opening);
      state.reset();
    });
    on("keydown", (event) => keyed(state, event));
  };

  const walk = (state, by) => {
    let slot = (state.at ?? state.resting) + by;
    while (state.data.times[slot] === "") slot += by;
    if (slot < 0 || slot >= count(state)) return;
    if (slot < state.view.min) pan(state, slot - 0.5 - state.view.min);
    if (slot > state.view.max) pan(state, slot + 0.5 - state.view.max);
    state.point(slot, true);
  };
  const KEYS = {
    ArrowLeft: (state) => walk(state, -1),
    ArrowRight: (state) => walk(state, 1),
    Home: (state) => state.point(bounded(state, -Infinity), true),
    End: (state) => state.point(bounded(state, Infinity), true),
    "+": (state) => zoom(state, 1 / STEP, state.at ?? state.resting),
    "=": (state) => zoom(state, 1 / STEP, state.at ?? state.resting),
    "-": (state) => zoom(state, STEP, state.at ?? state.resting),
    Escape: (state) => state.reset(),
    Enter: (state) => {
      const number = state.data.signals.findIndex((signal) => signal.at === state.at);
      if (number >= 0) state.open(number, true);
    },
  };
  const keyed = (state, event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key];
    if (event.shiftKey && far) pan(state, far * width(state));
    else if (KEYS[event.key]) KEYS[event.key](state);
    else return;
    event.preventDefault();
  };

  Object.assign(window.charon.charts, { clamp, listen, shapeAt });
})();
