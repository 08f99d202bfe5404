// Facts, layers and weights.

import { bytesText, digits, el, whole } from "/page/dom.js";

const fact = (name, value, small) =>
  el("div", {}, el("dt", {}, name), el("dd", {}, value, small ? el("small", {}, small) : null));

/** A model without a compiler does not name kinds: what its weights are of. */
function kindOf(layer) {
  if (layer.kind) return layer.kind;
  const parts = new Set(layer.weights.map(({ name }) => name.split(".")[0]).filter((name) => !name.includes("norm")));
  return [...parts].join(" + ");
}

const count = (number) => number >= 1e9 ? `${digits(number / 1e9)} billion`
  : number >= 1e6 ? `${digits(number / 1e6)} million` : whole(number);

function tensors(rows, caption) {
  return el("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": caption },
    el("table", {},
      el("thead", {}, el("tr", {}, ...["Name", "Type", "Shape"].map((name) => el("th", { scope: "col" }, name)),
        el("th", { scope: "col", class: "num" }, "Bytes"), el("th", { scope: "col" }, "Notes"))),
      el("tbody", {}, ...rows.map((row) =>
        el("tr", {}, el("td", {}, el("code", {}, row.name)), el("td", {}, row.type),
          el("td", {}, `[${row.shape.map((size) => size < 0 ? "?" : size).join(", ")}]`),
          el("td", { class: "num" }, row.grows ? `${whole(row.bytes)} a token` : whole(row.bytes)),
          el("td", {}, row.derived ? "derived on loading" : row.packed ? `packed, multiplied in ${row.packed}` : row.grows ? "grows with the context" : ""))))));
}

function part(title, layer) {
  return [
    el("h2", {}, title),
    el("p", { class: "lead" }, `${bytesText(layer.bytes)} of weights` +
      (layer.derived_bytes ? `, ${bytesText(layer.derived_bytes)} derived` : "") +
      (layer.state_bytes ? `; state of ${bytesText(layer.state_bytes)} a sequence` : "") +
      (layer.kv_bytes_per_token ? `; ${bytesText(layer.kv_bytes_per_token)} of keys and values a token` : "") + "."),
    tensors(layer.weights, `Weights of ${title}`),
    ...(layer.states.length ? [el("h2", {}, "State of a sequence"), tensors(layer.states, `States of ${title}`)] : []),
  ];
}

export function showLayers(panel, model) {
  const kinds = [...new Set(model.layers.map(kindOf))];
  const detail = el("div", { class: "detail" });
  detail.id = "layer-detail";
  const strip = el("div", { class: "strip", role: "group", "aria-label": "Layers, first to last" });
  const choose = (button, title, layer) => {
    for (const other of strip.children) other.setAttribute("aria-pressed", String(other === button));
    outside.setAttribute("aria-pressed", String(outside === button));
    const section = el("section", { "aria-label": title }, ...part(title, layer));
    detail.replaceChildren(section);
  };
  const outside = el("button", {
    type: "button", class: "small", "aria-pressed": "false",
    onclick: () => choose(outside, "Outside of layers", model.outside),
  }, "Outside of layers");
  for (const layer of model.layers) {
    const kind = kindOf(layer);
    const title = `Layer ${layer.index}: ${kind}`;
    const button = el("button", {
      type: "button", class: `k${kinds.indexOf(kind) % 6}`, title,
      "aria-label": title, "aria-pressed": "false", onclick: () => choose(button, title, layer),
    });
    strip.append(button);
  }
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...strip.children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    next.click();
  });
  const derived = [...model.layers, model.outside].reduce((sum, layer) => sum + layer.derived_bytes, 0);
  panel.replaceChildren(
    el("dl", { class: "facts" },
      fact("Model", model.name, model.family),
      ...(model.parameters ? [fact("Parameters", count(model.parameters), model.tied_embeddings ? "embeddings tied" : "")] : []),
      fact("Layers", whole(model.layers.length), `${kinds.length} kind${kinds.length === 1 ? "" : "s"}`),
      fact("Weights", bytesText(model.weight_bytes), derived ? `and ${bytesText(derived)} derived` : ""),
      fact("State of a sequence", bytesText(model.state_bytes), "whatever its length"),
      fact("Keys and values", model.kv_bytes_per_token ? bytesText(model.kv_bytes_per_token) : "none", model.kv_bytes_per_token ? "of each token" : "no layer attends"),
      fact("Vocabulary", whole(model.vocabulary), "tokens"),
      fact("Chunk", whole(model.chunk), "tokens of a call")),
    el("h2", {}, "Layers"),
    el("ul", { class: "legend" }, ...kinds.map((kind, at) =>
      el("li", { class: `k${at % 6}` }, el("span", { class: "swatch" }),
        `${kind} (${model.layers.filter((layer) => kindOf(layer) === kind).length})`))),
    strip,
    el("div", {}, outside),
    detail,
    ...(Object.keys(model.sizes ?? {}).length ? [
      el("h2", {}, "Sizes"),
      el("dl", { class: "sizes" }, ...Object.entries(model.sizes).map(([name, value]) =>
        el("div", {}, el("dt", {}, name), el("dd", {}, whole(value)))))] : []),
    el("h2", {}, "Weights by type"),
    el("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": "Weights by type" },
      el("table", {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Type"), el("th", { scope: "col", class: "num" }, "Tensors"),
          el("th", { scope: "col", class: "num" }, "Bytes"), el("th", { scope: "col", class: "num" }, "Share"))),
        el("tbody", {}, ...model.weights_by_type.map((row) =>
          el("tr", {}, el("td", {}, row.type), el("td", { class: "num" }, whole(row.weights)),
            el("td", { class: "num" }, whole(row.bytes)),
            el("td", { class: "num" }, `${digits((100 * row.bytes) / (model.weight_bytes || 1))} %`)))))),
    ...(Object.keys(model.arithmetic).length ? [
      el("h2", {}, "How numbers are computed"),
      el("p", { class: "lead" }, Object.entries(model.arithmetic).map(([name, value]) => `${name} ${value}`).join(", "))] : []));
  if (model.layers.length) strip.firstChild.click();
}
