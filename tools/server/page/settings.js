// What a person chooses: sampling, colours, the key.

import { byId } from "/page/dom.js";
import { apiKey, setApiKey } from "/page/api.js";

const SAMPLING = "marimba.sampling";
const THEME = "marimba.theme";
const NAMES = { temperature: "temperature", maxTokens: "max_tokens", topP: "top_p", seed: "seed" };

function read() {
  try {
    return JSON.parse(localStorage.getItem(SAMPLING)) ?? {};
  } catch {
    return {};
  }
}

/** The fields of a request that were chosen; the rest is the model's. */
export function sampling() {
  const chosen = read();
  const fields = {};
  for (const [name, field] of Object.entries(NAMES))
    if (chosen[name] !== undefined) fields[field] = chosen[name];
  return fields;
}

const dialog = byId("settings");
const form = byId("settings-form");

/** Opens the settings; true where they were taken. */
export function openSettings(conversation, problem = "") {
  const chosen = read();
  for (const name of Object.keys(NAMES)) form.elements[name].value = chosen[name] ?? "";
  form.elements.system.value = conversation.system;
  form.elements.key.value = apiKey();
  byId("settings-problem").hidden = !problem;
  byId("settings-problem").textContent = problem;
  dialog.returnValue = "cancel";
  dialog.showModal();
  if (problem) form.elements.key.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const taken = dialog.returnValue === "ok";
      if (taken) {
        const now = {};
        for (const name of Object.keys(NAMES))
          if (form.elements[name].value !== "") now[name] = Number(form.elements[name].value);
        localStorage.setItem(SAMPLING, JSON.stringify(now));
        setApiKey(form.elements.key.value.trim());
        conversation.system = form.elements.system.value;
      }
      resolve(taken);
    }, { once: true });
  });
}

const WORDS = { auto: ["Auto", "as the system has them"], light: ["Light", "light"], dark: ["Dark", "dark"] };

function showTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = byId("theme");
  button.lastElementChild.textContent = WORDS[theme][0];
  button.setAttribute("aria-label", `Colours: ${WORDS[theme][1]}`);
}

export function startTheme() {
  const stored = localStorage.getItem(THEME);
  let theme = WORDS[stored] ? stored : "auto";
  showTheme(theme);
  byId("theme").addEventListener("click", () => {
    const all = Object.keys(WORDS);
    theme = all[(all.indexOf(theme) + 1) % all.length];
    localStorage.setItem(THEME, theme);
    showTheme(theme);
  });
}
