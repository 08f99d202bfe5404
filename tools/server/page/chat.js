// The conversation that is shown: its turns, and answers as they come.

import { announce, byId, digits, el, icon, timeText, whole } from "/page/dom.js";
import { postJson, ServerError, streamAnswer } from "/page/api.js";
import { keep, messagesOf, titleOf } from "/page/store.js";
import { render } from "/page/markdown.js";
import { sampling } from "/page/settings.js";

const list = byId("messages");
const scroll = byId("scroll");

/** Answers that are being written, by the id of their conversation. */
const running = new Map();
let shown = null;

/** Called with what the rest of the page must know. */
export const hooks = {
  changed: () => {}, // titles, order, whether an answer runs
  forkAt: () => {}, // (conversation, turns)
  needKey: async () => false, // asks for a key; whether there is one now
  modelName: () => "",
  finished: () => {}, // (conversation)
};

export const current = () => shown;
export const isRunning = (conversation = shown) => running.has(conversation?.id);

// --- Scrolling: stays at the end where it was there.

let atEnd = true;
const endButton = byId("to-end");
scroll.addEventListener("scroll", () => {
  atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  endButton.hidden = atEnd;
});
export function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
}
endButton.addEventListener("click", () => {
  toEnd();
  byId("question").focus();
});
new ResizeObserver(() => atEnd && toEnd()).observe(scroll);

// --- Turns.

const button = (name, label, act, extra = {}) =>
  el("button", { type: "button", class: "quiet small", title: label, onclick: act, ...extra },
    icon(name), el("span", {}, label));

function fileNode(file) {
  return el("details", { class: "file" },
    el("summary", {}, icon("file-icon"), el("span", {}, file.name),
      el("small", {}, `${whole(file.text.length)} characters`)),
    el("pre", { tabIndex: 0 }, file.text));
}

function userNode(turn, index) {
  const node = el("li", { class: "turn user", data: { turn: index } },
    el("h2", { class: "hidden" }, "You"));
  const bubble = el("div", { class: "bubble" }, ...(turn.files ?? []).map(fileNode));
  if (turn.text) bubble.append(el("p", { class: "plain" }, turn.text));
  node.append(bubble, el("div", { class: "row" }, button("pen", "Edit", () => edit(node, index))));
  return node;
}

/** "40 tokens, 31.2 a second · 512 reused, 12 read · first after 0.2 s" */
export function statsText(stats) {
  const parts = [];
  if (stats.made !== undefined)
    parts.push(`${whole(stats.made)} token${stats.made === 1 ? "" : "s"}` +
      (stats.rate ? `, ${digits(stats.rate)} a second` : ""));
  if (stats.reused !== undefined)
    parts.push(`${whole(stats.reused)} reused, ${whole(stats.read)} read`);
  if (stats.first !== undefined) parts.push(`first after ${timeText(stats.first)}`);
  return parts;
}

const ENDS = {
  length: "Ended at the bound of tokens.",
  stopped: "Stopped.",
  content_filter: "Ended by the server.",
};

function answerNode(turn, index) {
  const live = turn.live;
  const node = el("li", { class: "turn answer", data: { turn: index } },
    el("h2", { class: "hidden" }, "Answer"));
  node.text = el("div", { class: "text" });
  node.thoughts = el("details", { class: "thoughts", hidden: true },
    el("summary", {}, "Thoughts"), el("div", { class: "text" }));
  node.progress = el("div", { class: "reading", hidden: true },
    el("progress", { max: 1, "aria-label": "Reading the question" }), el("span", {}));
  node.note = el("p", { class: "note", hidden: true });
  node.meta = el("p", { class: "meta" });
  node.append(node.progress, node.thoughts, node.text, node.note, el("div", { class: "row" }, node.meta,
    button("copy", "Copy", async () => {
      await navigator.clipboard?.writeText(turn.text);
      announce("Answer copied");
    }),
    button("again", "Again", () => answerAgain(index)),
    button("branch", "Fork here", () => hooks.forkAt(shown, index + 1))));
  paint(node, turn);
  if (live) live.node = node;
  return node;
}

function paint(node, turn) {
  const live = turn.live;
  node.classList.toggle("live", Boolean(live));
  node.setAttribute("aria-busy", String(Boolean(live)));
  render(node.text, turn.text);
  node.thoughts.hidden = !turn.thoughts;
  if (turn.thoughts) {
    render(node.thoughts.lastChild, turn.thoughts);
    node.thoughts.firstChild.textContent = live && !turn.text ? "Thinking…" : "Thoughts";
  }
  const waits = live && !turn.text && !turn.thoughts;
  node.progress.hidden = !waits;
  if (waits) {
    const [bar, label] = node.progress.children;
    if (live.total) {
      bar.max = live.total;
      bar.value = live.done;
      label.textContent = `Reading ${whole(live.done)} of ${whole(live.total)} tokens`;
    } else {
      bar.removeAttribute("value");
      label.textContent = "Waiting for the model";
    }
  }
  const note = turn.problem ?? ENDS[turn.end];
  node.note.hidden = !note;
  node.note.classList.toggle("problem", Boolean(turn.problem));
  node.note.textContent = note ?? "";
  node.meta.replaceChildren(...statsText(turn.stats ?? {}).map((part) => el("span", {}, part)));
}

export function show(conversation) {
  shown = conversation;
  list.replaceChildren(...conversation.turns.map((turn, index) =>
    turn.role === "user" ? userNode(turn, index) : answerNode(turn, index)));
  atEnd = true;
  endButton.hidden = true;
  refresh();
  toEnd();
}

function refresh() {
  byId("welcome").hidden = shown.turns.length > 0;
  byId("title").textContent = titleOf(shown) || "New conversation";
  hooks.changed();
}

/** The question in place, to be changed; sending it drops what came after. */
function edit(node, index) {
  if (isRunning()) return;
  const turn = shown.turns[index];
  const box = el("textarea", { rows: 3, value: turn.text, "aria-label": "Question, to be changed" });
  const close = () => {
    form.replaceWith(...hidden);
    hidden[1].querySelector("button").focus();
  };
  const form = el("form", {
    class: "edit",
    onsubmit: (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (!text && !turn.files?.length) return;
      shown.turns.length = index;
      ask(text, turn.files ?? []);
    },
    onkeydown: (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    },
  }, box, el("div", { class: "end" },
    el("small", {}, "What comes after it is replaced. Fork first to keep it."),
    el("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
    el("button", { type: "submit", class: "send" }, "Send")));
  const hidden = [...node.children].slice(1);
  hidden[0].replaceWith(form);
  hidden[1].remove();
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function answerAgain(index) {
  if (isRunning()) return;
  const { text, files } = shown.turns[index - 1];
  shown.turns.length = index - 1;
  ask(text, files ?? []);
}

/** Adds a question to the conversation that is shown, and its answer. */
export async function ask(text, files) {
  const conversation = shown;
  conversation.turns.push({ role: "user", text, files });
  keep(conversation);
  show(conversation);
  await answer(conversation);
}

export function stop() {
  running.get(shown?.id)?.abort();
}

async function answer(conversation) {
  const abort = new AbortController();
  const turn = { role: "assistant", text: "", thoughts: "" };
  const messages = () => messagesOf({ ...conversation, turns: conversation.turns.slice(0, -1) }, conversation.joined);
  conversation.turns.push(turn);
  // Not part of what is kept.
  Object.defineProperty(turn, "live", { value: { done: 0, total: 0, node: null }, writable: true, enumerable: false });
  running.set(conversation.id, abort);
  if (conversation === shown) show(conversation);
  let drawn = false;
  const draw = () => {
    if (drawn) return;
    drawn = true;
    requestAnimationFrame(() => {
      drawn = false;
      if (conversation !== shown || !turn.live?.node) return;
      paint(turn.live.node, turn);
      if (atEnd) toEnd();
    });
  };
  const start = performance.now();
  let first = 0, last = 0, pieces = 0;
  const piece = () => {
    last = performance.now();
    first ||= last;
    ++pieces;
    if (pieces > 1) turn.stats = { made: pieces, rate: (pieces - 1) / (last - first) * 1e3 };
    draw();
  };
  const hear = {
    reading(done, total) {
      turn.live.done = done;
      turn.live.total = total;
      draw();
    },
    text(more) {
      turn.text += more;
      piece();
    },
    thoughts(more) {
      turn.thoughts += more;
      piece();
    },
    ended(reason) {
      turn.end = reason;
    },
    usage(usage) {
      const reused = usage.prompt_tokens_details?.cached_tokens ?? 0;
      const made = usage.completion_tokens;
      turn.stats = {
        made, reused, read: usage.prompt_tokens - reused,
        rate: made > 1 && last > first ? (made - 1) / (last - first) * 1e3 : 0,
        first: ((first || performance.now()) - start) / 1e3,
      };
    },
  };
  const body = () => ({
    model: hooks.modelName(),
    messages: messages(),
    ...sampling(),
    ...(conversation.session ? { session: conversation.session } : {}),
  });
  for (;;) {
    try {
      await streamAnswer(body(), abort.signal, hear);
    } catch (problem) {
      if (abort.signal.aborted) {
        turn.end = "stopped";
      } else if (problem.status === 401 && (await hooks.needKey())) {
        continue;
      } else if (problem.status === 400 && !conversation.joined && !turn.text &&
                 conversation.turns.some((other) => other.files?.length)) {
        // Its template may want questions and answers in turn.
        conversation.joined = true;
        continue;
      } else {
        turn.problem = problem instanceof ServerError ? problem.message
          : "The server cannot be reached. Is it still running?";
      }
    }
    break;
  }
  running.delete(conversation.id);
  const node = turn.live.node;
  turn.live = null;
  keep(conversation);
  if (conversation === shown) {
    if (node) paint(node, turn);
    if (atEnd) toEnd();
    refresh();
  } else {
    hooks.changed();
  }
  hooks.finished(conversation);
  announce(turn.problem ?? (turn.end === "stopped" ? "Stopped" : "The answer is complete"));
}

/** Has the server read the conversation, of which it knows most, and keep its
 * state as `name`, there and from now on. */
export async function saveSession(conversation, name) {
  await postJson("/v1/sessions", {
    id: name,
    model: hooks.modelName(),
    messages: messagesOf(conversation, conversation.joined),
  });
  conversation.session = name;
  keep(conversation);
}
