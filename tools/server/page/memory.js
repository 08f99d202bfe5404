// Memory against the length of the context.

import { bytesText, el, svg, whole } from "/page/dom.js";
import { byteTicks, frame, keepDrawn, path, scale } from "/page/plot.js";

const CONTEXTS = Array.from({ length: 13 }, (_, at) => 256 * 2 ** at); // to 1M

const tokens = (count) => count >= 1 << 20 ? `${count >> 20}M` : count >= 1024 ? `${count >> 10}K` : String(count);

function drawing(memory, sequences, width) {
  const weights = memory.packed_bytes || memory.weight_bytes;
  const states = memory.state_bytes * sequences;
  const keys = (context) => memory.kv_bytes_per_token * context * sequences;
  const total = (context) => weights + states + keys(context);
  const most = total(CONTEXTS.at(-1));
  const height = width < 600 ? 300 : 400, left = 74, bottom = 48;
  const ys = byteTicks(most);
  const x = scale(CONTEXTS[0], CONTEXTS.at(-1), left, width - 16, 2);
  const y = scale(0, ys.at(-1), height - bottom, 16);
  const root = frame({
    width, height, left, bottom, xs: CONTEXTS.filter((_, at) => at % (width < 600 ? 4 : 2) === 0), ys, x, y, xText: tokens, yText: bytesText,
    xTitle: "tokens of context", yTitle: "",
    label: `Memory of ${sequences} sequences against the context: ${bytesText(total(CONTEXTS[0]))} at ${CONTEXTS[0]} tokens, ${bytesText(most)} at a million`,
  });
  // Straight in tokens, so curved over their logarithm: many points.
  const at = Array.from({ length: 121 }, (_, step) => CONTEXTS[0] * 2 ** (step / 10));
  const area = (low, high, name) => svg("path", {
    class: name,
    d: `${path([...at.map((context) => [x(context), y(high(context))]), ...at.toReversed().map((context) => [x(context), y(low(context))])])}Z`,
  });
  root.append(
    area(() => 0, () => weights, "area3"),
    area(() => weights, () => weights + states, "area2"),
    area(() => weights + states, total, "area1"));
  const room = memory.available_bytes === null ? null : memory.available_bytes + weights;
  if (room !== null && room < ys.at(-1))
    root.append(
      svg("path", { class: "bound", d: path([[left, y(room)], [width - 16, y(room)]]) }),
      svg("text", { x: left + 8, y: y(room) - 6 }, "available"));
  return root;
}

export function showMemory(panel, memory) {
  const weights = memory.packed_bytes || memory.weight_bytes;
  const count = el("input", { type: "number", min: 1, max: 4096, value: 1 });
  const place = el("div");
  const rows = el("tbody");
  const sentence = el("p", { class: "lead", "aria-live": "polite" });
  const chosen = () => Math.min(4096, Math.max(1, Math.round(Number(count.value)) || 1));
  const redraw = keepDrawn(place, (width) => drawing(memory, chosen(), width));
  const draw = () => {
    const sequences = chosen();
    redraw();
    const perToken = memory.kv_bytes_per_token * sequences;
    const states = memory.state_bytes * sequences;
    const free = memory.available_bytes;
    sentence.textContent = !perToken
      ? "No layer keeps keys and values: a sequence takes the same memory however long it is."
      : free === null ? "" : free <= states ? "So many sequences do not fit into the memory that is available."
        : `The memory that is available now is enough for about ${whole((free - states) / perToken)} tokens${sequences > 1 ? " of each" : ""}.`;
    rows.replaceChildren(...CONTEXTS.filter((_, at) => at % 2 === 0).map((context) => el("tr", {},
      el("th", { scope: "row" }, whole(context)),
      el("td", { class: "num" }, bytesText(states)),
      el("td", { class: "num" }, bytesText(perToken * context)),
      el("td", { class: "num" }, bytesText(weights + states + perToken * context)))));
  };
  count.addEventListener("input", draw);
  panel.replaceChildren(
    el("p", { class: "lead" }, "A recurrent state has one size, whatever the length of the text; keys and values of layers that attend grow with every token."),
    el("form", { class: "measure", onsubmit: (event) => event.preventDefault() },
      el("label", {}, "Sequences at once", count)),
    el("ul", { class: "legend" },
      ...[["k-b1", `weights as they are multiplied (${bytesText(weights)})`], ["k-b3", `states (${bytesText(memory.state_bytes)} a sequence)`],
        ["k-b4", `keys and values (${bytesText(memory.kv_bytes_per_token)} a token)`]].map(([name, text]) =>
        el("li", { class: name }, el("span", { class: "swatch" }), text))),
    place, sentence,
    el("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": "Memory by context" },
      el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Tokens"),
        ...["States", "Keys and values", "With weights"].map((name) => el("th", { scope: "col", class: "num" }, name)))), rows)));
  draw();
}
