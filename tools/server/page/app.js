// Puts the page together: views, conversations, what the server keeps.

import { announce, byId, el, icon, makeTabs, whole } from "/page/dom.js";
import { getJson, postJson, remove } from "/page/api.js";
import { allConversations, conversationOf, forget, forkOf, hearOthers, keep, newConversation, storeProblem, titleOf } from "/page/store.js";
import { filesPending, hasFiles, startAttaching, takeFiles } from "/page/attach.js";
import { openSettings, startTheme } from "/page/settings.js";
import * as chat from "/page/chat.js";
import { showExplorer } from "/page/explorer.js";

const LAST = "marimba.last";
let model = "";
let keeps = false; // whether the server keeps sessions
let sessions = [];

const question = byId("question");
const IDEAS = [
  "Explain how a state-space model reads a text.",
  "Write a function that merges two sorted lists.",
  "Once upon a time",
];

// --- Lists.

const ago = (time) => {
  const minutes = (Date.now() - time) / 60000;
  if (minutes < 1) return "now";
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h`;
  return new Date(time).toLocaleDateString("en", { month: "short", day: "numeric" });
};

function drawLists() {
  const shown = chat.current();
  byId("conversations").replaceChildren(...allConversations().map((conversation) =>
    el("li", {}, el("button", {
      type: "button", class: "entry", "aria-current": conversation === shown ? "true" : undefined,
      onclick: () => {
        open(conversation);
        closeSidebar();
        question.focus();
      },
    },
    el("span", { class: "name" }, titleOf(conversation) || "New conversation"),
    el("small", {}, chat.isRunning(conversation) ? "answering" : conversation.session ? `saved, ${ago(conversation.changed)}` : ago(conversation.changed))))));
  byId("saved").hidden = !sessions.length;
  byId("sessions").replaceChildren(...sessions.map((session) => {
    const here = allConversations().find((conversation) => conversation.session === session.id);
    return el("li", { class: "session" },
      el("button", {
        type: "button", class: "entry", title: here ? "Open" : "Open what the server has kept",
        onclick: () => openSession(session.id, here),
      }, el("span", { class: "name" }, session.id), el("small", {}, `${whole(session.tokens ?? 0)} tokens`)),
      el("button", {
        type: "button", class: "icon small", "aria-label": `Delete session ${session.id}`,
        onclick: () => deleteSession(session.id),
      }, icon("bin")));
  }));
}

function drawComposer() {
  const runs = chat.isRunning();
  byId("stop").hidden = !runs;
  byId("send").hidden = runs;
  const { turns, session } = chat.current();
  byId("save").hidden = !keeps;
  byId("save").disabled = runs || !turns.length;
  byId("save").lastElementChild.textContent = session ? "Saved" : "Save";
  byId("save").title = session ? `Kept by the server as ${session}` : "Keep the state of this conversation on the server";
  byId("fork").disabled = runs || !turns.length;
  byId("delete").disabled = runs || !turns.length;
}

chat.hooks.changed = () => {
  drawComposer();
  drawLists();
};

function open(conversation) {
  localStorage.setItem(LAST, conversation.id);
  chat.show(conversation);
}

// --- The server.

async function refreshSessions() {
  try {
    const answer = await getJson("/v1/sessions");
    sessions = answer.data ?? [];
    keeps = answer.kept !== false;
  } catch {
    keeps = false;
    sessions = [];
  }
  chat.hooks.changed();
}

async function refreshModel() {
  try {
    const { data } = await getJson("/v1/models");
    model = data?.[0]?.id ?? "";
    byId("model-name").textContent = model;
    byId("model-name").classList.remove("problem");
    document.title = model ? `${model} – Marimba` : "Marimba";
  } catch (problem) {
    if (problem.status === 401 && (await askKey())) return refreshModel();
    byId("model-name").textContent = problem.status === 401 ? "needs an API key" : "no server";
    byId("model-name").classList.add("problem");
  }
}

/** Whether there is a key to try now. */
async function askKey() {
  return openSettings(chat.current(), "The server wants an API key. The key that was given is not right, or there is none.");
}

const fail = (problem) => {
  const place = byId("composer-problem") ?? el("p", { id: "composer-problem", class: "problem", role: "alert" });
  place.textContent = problem.message ?? String(problem);
  byId("composer").before(place);
  setTimeout(() => place.remove(), 8000);
};

async function openSession(id, here) {
  try {
    open(here ?? conversationOf(await getJson(`/v1/sessions/${encodeURIComponent(id)}`)));
    keep(chat.current());
    drawLists();
  } catch (problem) {
    fail(problem);
  }
  closeSidebar();
  question.focus();
}

async function deleteSession(id) {
  try {
    await remove(`/v1/sessions/${encodeURIComponent(id)}`);
    for (const conversation of allConversations())
      if (conversation.session === id) {
        conversation.session = "";
        keep(conversation);
      }
    announce(`Session ${id} is deleted`);
  } catch (problem) {
    fail(problem);
  }
  await refreshSessions();
}

/** A name that the server takes, near to a title. */
function nameFor(title) {
  const base = title.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).toLowerCase() || "conversation";
  return freeName(base);
}

function freeName(base) {
  const taken = new Set(sessions.map((session) => session.id));
  for (let number = 1; ; ++number) {
    const name = number === 1 ? base : `${base.slice(0, 58)}-${number}`;
    if (!taken.has(name)) return name;
  }
}

async function save() {
  const conversation = chat.current();
  const dialog = byId("naming");
  const input = byId("naming-form").elements.name;
  input.value = conversation.session || nameFor(titleOf(conversation));
  dialog.returnValue = "cancel";
  dialog.showModal();
  input.select();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "ok") return;
  try {
    await chat.saveSession(conversation, input.value);
    announce(`Saved as ${input.value}`);
  } catch (problem) {
    fail(problem);
  }
  await refreshSessions();
}

async function fork(conversation, turns) {
  const copy = forkOf({ ...conversation, title: titleOf(conversation) }, turns);
  if (conversation.session) {
    try {
      const id = freeName(`${conversation.session.slice(0, 56)}-fork`);
      await postJson("/v1/sessions", { id, from: conversation.session });
      copy.session = id;
    } catch (problem) {
      fail(problem);
    }
  }
  keep(copy);
  open(copy);
  announce("This is a copy of the conversation");
  question.focus();
  if (copy.session) await refreshSessions();
}
chat.hooks.forkAt = fork;
chat.hooks.modelName = () => model;
chat.hooks.needKey = askKey;
chat.hooks.finished = (conversation) => conversation.session && refreshSessions();

// --- The composer.

function fit() {
  question.style.height = "auto";
  question.style.height = `${Math.min(question.scrollHeight, window.innerHeight * 0.4)}px`;
}

async function send() {
  const text = question.value.trim();
  if (chat.isRunning() || filesPending() || (!text && !hasFiles())) return;
  question.value = "";
  fit();
  localStorage.setItem(LAST, chat.current().id);
  await chat.ask(text, takeFiles());
}

question.addEventListener("input", fit);
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
byId("stop").addEventListener("click", () => {
  chat.stop();
  question.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("listing")) closeSidebar();
  else chat.stop();
});

// --- The sidebar on a phone.

function closeSidebar() {
  if (!document.body.classList.contains("listing")) return;
  document.body.classList.remove("listing");
  byId("veil").hidden = true;
  byId("open-sidebar").setAttribute("aria-expanded", "false");
  byId("open-sidebar").focus();
}
byId("open-sidebar").addEventListener("click", () => {
  document.body.classList.add("listing");
  byId("veil").hidden = false;
  byId("open-sidebar").setAttribute("aria-expanded", "true");
  byId("close-sidebar").focus();
});
byId("close-sidebar").addEventListener("click", closeSidebar);
byId("veil").addEventListener("click", closeSidebar);

// --- Buttons.

byId("new-conversation").addEventListener("click", () => {
  open(newConversation());
  selectView("tab-chat");
  closeSidebar();
  question.focus();
});
byId("save").addEventListener("click", save);
byId("fork").addEventListener("click", () => fork(chat.current()));
byId("delete").addEventListener("click", () => {
  const conversation = chat.current();
  if (!confirm(`Delete “${titleOf(conversation)}” from this browser?`)) return;
  forget(conversation.id);
  open(newConversation());
  question.focus();
});
byId("open-settings").addEventListener("click", async () => {
  const conversation = chat.current();
  if (await openSettings(conversation)) {
    if (conversation.turns.length) keep(conversation);
    await refreshModel();
    await refreshSessions();
  }
});
byId("ideas").append(...IDEAS.map((idea) =>
  el("li", {}, el("button", {
    type: "button",
    onclick: () => {
      question.value = idea;
      fit();
      question.focus();
    },
  }, idea))));

const selectView = makeTabs(byId("views"), (id) => {
  if (id === "tab-model") showExplorer();
  else chat.toEnd();
});

storeProblem.hear = () => fail("This browser has no room left: the conversation is lost when the tab is closed. Delete some.");
hearOthers((id) => {
  setTimeout(drawLists);
  return id !== chat.current().id;
});
startTheme();
startAttaching();
open(allConversations().find((conversation) => conversation.id === localStorage.getItem(LAST)) ?? newConversation());
question.focus();
await refreshModel();
await refreshSessions();
