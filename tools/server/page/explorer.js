// The second tab: what the model was compiled to.

import { byId, el, makeTabs } from "/page/dom.js";
import { getJson } from "/page/api.js";
import { showLayers } from "/page/layers.js";
import { showStages } from "/page/stages.js";
import { showRoofline } from "/page/roofline.js";
import { showMemory } from "/page/memory.js";

const PANELS = {
  "tab-layers": ["panel-layers", "/explorer/model", showLayers, "Reading what the model says of itself"],
  "tab-stages": ["panel-stages", "/explorer/stages", showStages, "Compiling the model once more, for its stages"],
  "tab-roofline": ["panel-roofline", "/explorer/roofline", showRoofline, "Asking for measurements"],
  "tab-memory": ["panel-memory", "/explorer/memory", showMemory, "Asking for sizes"],
};
const loaded = new Set();

/** Says why there is nothing to see. */
export function unavailable(because) {
  return el("p", { class: "unavailable" }, because);
}

async function load(id) {
  if (loaded.has(id)) return;
  loaded.add(id);
  const [panelId, path, show, waiting] = PANELS[id];
  const panel = byId(panelId);
  panel.setAttribute("aria-busy", "true");
  panel.replaceChildren(el("div", { class: "reading" },
    el("progress", { "aria-label": waiting }), el("span", {}, waiting)));
  try {
    const answer = await getJson(path);
    if (answer.available === false) panel.replaceChildren(unavailable(answer.because));
    else show(panel, answer);
  } catch (problem) {
    loaded.delete(id); // the next time may be better
    panel.replaceChildren(unavailable(problem.message));
  }
  panel.removeAttribute("aria-busy");
}

let chosen = "tab-layers";
makeTabs(byId("explorer-tabs"), (id) => {
  chosen = id;
  load(id);
});

export function showExplorer() {
  load(chosen);
}
