// Conversations, kept in this browser: one entry of localStorage each. Where it
// is full or refused they stay in memory, which the page says.

const PREFIX = "marimba.conversation.";
const memory = new Map();

/** Hears that a conversation could not be written. */
export const storeProblem = { hear: () => {} };

export function newConversation() {
  return {
    id: crypto.randomUUID?.() ?? String(Date.now()) + Math.random().toString(16).slice(2),
    title: "",
    changed: Date.now(),
    system: "",
    session: "", // its name on the server, once saved
    turns: [], // {role, text, files: [{name, text}], thoughts, stats, end}
  };
}

export function keep(conversation) {
  conversation.changed = Date.now();
  memory.set(conversation.id, conversation);
  try {
    localStorage.setItem(PREFIX + conversation.id, JSON.stringify(conversation));
  } catch (problem) {
    storeProblem.hear(problem);
  }
}

export function forget(id) {
  memory.delete(id);
  localStorage.removeItem(PREFIX + id);
}

/** Another tab has changed a conversation: `changed` hears its id, and whether to
 * take it up says what it returns. */
export function hearOthers(changed) {
  window.addEventListener("storage", ({ key }) => {
    if (!key?.startsWith(PREFIX)) return;
    const id = key.slice(PREFIX.length);
    if (changed(id)) memory.delete(id);
  });
}

/** All, newest first. */
export function allConversations() {
  for (let at = 0; at < localStorage.length; ++at) {
    const key = localStorage.key(at);
    if (!key.startsWith(PREFIX) || memory.has(key.slice(PREFIX.length))) continue;
    try {
      const conversation = JSON.parse(localStorage.getItem(key));
      if (Array.isArray(conversation.turns)) memory.set(conversation.id, conversation);
    } catch {
      // Not ours, or cut short: left alone.
    }
  }
  return [...memory.values()].sort((a, b) => b.changed - a.changed);
}

/** What the server has kept of a session, as a conversation. */
export function conversationOf({ id, messages }) {
  const conversation = { ...newConversation(), title: id, session: id };
  for (const { role, content, reasoning_content: thoughts } of messages) {
    const text = typeof content === "string" ? content
      : (content ?? []).map((part) => part.text ?? "").join("");
    const last = conversation.turns.at(-1);
    if (role === "system") conversation.system = text;
    else if (role === "assistant") conversation.turns.push({ role, text, thoughts: thoughts ?? "" });
    else if (role === "user") {
      // A question after another comes with it: the first was a file.
      if (last?.role === "user") last.files.push(fileOf(last.text));
      if (last?.role === "user") last.text = text;
      else conversation.turns.push({ role, text, files: [] });
    }
  }
  return conversation;
}

/** A copy with a name of its own, of the first `turns` turns. */
export function forkOf(conversation, turns = conversation.turns.length) {
  return {
    ...newConversation(),
    title: conversation.title.replace(/( \(fork\))?$/, " (fork)"),
    system: conversation.system,
    turns: structuredClone(conversation.turns.slice(0, turns)),
  };
}

/** The first words of the first question. */
export function titleOf(conversation) {
  if (conversation.title) return conversation.title;
  const first = conversation.turns.find((turn) => turn.role === "user");
  const text = first?.text.trim().replace(/\s+/g, " ") || first?.files?.[0]?.name || "";
  return text.length > 60 ? `${text.slice(0, 57).trimEnd()}…` : text;
}

const fileText = (file) => `${file.name}:\n\n${file.text}`;

function fileOf(message) {
  const [, name, text] = /^([^\n]*):\n\n([^]*)$/.exec(message) ?? [null, "text", message];
  return { name, text };
}

/**
 * What the server is sent. Files are messages of their own before the question,
 * so that the states at their ends are kept; `joined` puts them into the
 * question for models whose template wants questions and answers in turn.
 */
export function messagesOf(conversation, joined) {
  const messages = [];
  if (conversation.system.trim())
    messages.push({ role: "system", content: conversation.system });
  for (const turn of conversation.turns) {
    if (turn.role === "assistant") {
      const message = { role: "assistant", content: turn.text };
      if (turn.thoughts) message.reasoning_content = turn.thoughts;
      messages.push(message);
      continue;
    }
    const files = (turn.files ?? []).map(fileText);
    if (joined) {
      messages.push({ role: "user", content: [...files, turn.text].filter(Boolean).join("\n\n") });
      continue;
    }
    for (const content of files) messages.push({ role: "user", content });
    if (turn.text || !files.length) messages.push({ role: "user", content: turn.text });
  }
  return messages;
}
