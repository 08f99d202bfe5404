// Axes and lines of the drawings.

import { svg } from "/page/dom.js";

/** A scale from numbers to places; logarithmic where `log` is 2 or 10. */
export function scale(from, to, begin, end, log = 0) {
  const place = log ? Math.log : (x) => x;
  const low = place(from);
  const width = place(to) - low || 1;
  return (x) => begin + ((place(x) - low) / width) * (end - begin);
}

/** Round numbers from 0 to a little above `most`, in steps of binary sizes. */
export function byteTicks(most) {
  const unit = 2 ** Math.floor(Math.log2(Math.max(most, 4) / 4));
  const step = [1, 2, 4].map((by) => by * unit).find((size) => most / size <= 5) ?? unit * 4;
  const ticks = [];
  for (let at = 0; at < most + step * 0.999; at += step) ticks.push(at);
  return ticks;
}

/** Powers of ten that cover both numbers. */
export function decades(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power)
    ticks.push(10 ** power);
  return ticks;
}

/** A drawing with lines at the ticks and texts beside them. */
export function frame({ width, height, left, bottom, top = 16, right = 16, xs, ys, x, y, xText, yText, xTitle, yTitle, label }) {
  const root = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  for (const tick of ys)
    root.append(
      svg("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, yText(tick)));
  for (const tick of xs)
    root.append(
      svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height - bottom }),
      svg("text", { x: x(tick), y: height - bottom + 18, "text-anchor": "middle" }, xText(tick)));
  root.append(
    svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    svg("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, xTitle),
    svg("text", { x: 14, y: (top + height - bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(top + height - bottom) / 2})` }, yTitle));
  return root;
}

/** Fills `place` with what `draw` makes for its width, again when that changes:
 * texts keep their size on a phone. */
export function keepDrawn(place, draw) {
  let last = 0;
  const redraw = () => {
    const width = Math.round(Math.min(960, Math.max(320, place.clientWidth)));
    if (width === last || !place.clientWidth) return;
    last = width;
    place.replaceChildren(draw(width) ?? "");
  };
  new ResizeObserver(redraw).observe(place);
  return () => {
    last = 0;
    redraw();
  };
}

export const path = (points) => points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
