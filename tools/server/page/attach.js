// Text files beside the question: chosen, dropped or pasted.

import { announce, byId, el, icon, whole } from "/page/dom.js";

const MOST_BYTES = 8 << 20; // a request has 16 MiB, whatever is escaped in it
const chips = byId("attached");
let files = [];

function draw(problem = "") {
  chips.replaceChildren(...files.map((file) =>
    el("li", {}, icon("file-icon"), el("span", {}, file.name),
      file.text === null
        ? el("progress", { max: file.size || 1, value: file.done, "aria-label": `Reading ${file.name}` })
        : el("small", {}, `${whole(file.text.length)} characters`),
      el("button", {
        type: "button", class: "icon small", "aria-label": `Remove ${file.name}`,
        onclick: () => {
          files = files.filter((other) => other !== file);
          draw();
          byId("question").focus();
        },
      }, icon("cross")))));
  if (problem) {
    chips.append(el("li", { class: "problem", role: "alert" }, problem));
    announce(problem);
  }
}

/** The text of a file, piece by piece; null where it is none. */
async function readText(file, entry) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = file.stream().getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      entry.done += value.length;
      draw();
    }
    text += decoder.decode();
  } catch {
    return null;
  }
  return text.includes("\0") ? null : text;
}

export async function addFiles(list) {
  let problem = "";
  for (const file of list) {
    if (file.size > MOST_BYTES) {
      problem = `${file.name} is larger than 8 MiB.`;
      continue;
    }
    const entry = { name: file.name, size: file.size, done: 0, text: null };
    files.push(entry);
    draw();
    const text = await readText(file, entry);
    if (text === null) {
      files = files.filter((other) => other !== entry);
      problem = `${file.name} is no text in UTF-8.`;
    } else {
      entry.text = text;
      announce(`${file.name} is attached`);
    }
  }
  draw(problem);
}

/** Whether a file is still being read. */
export const filesPending = () => files.some((file) => file.text === null);

/** The files, which are then gone from the question. */
export function takeFiles() {
  const taken = files.map(({ name, text }) => ({ name, text }));
  files = [];
  draw();
  return taken;
}

export const hasFiles = () => files.length > 0;

export function startAttaching() {
  const input = byId("file");
  byId("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await addFiles([...input.files]);
    input.value = "";
    byId("question").focus();
  });
  const place = byId("view-chat");
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  place.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  place.addEventListener("dragleave", (event) => {
    if (!place.contains(event.relatedTarget)) place.classList.remove("dropping");
  });
  place.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    place.classList.remove("dropping");
    addFiles([...event.dataTransfer.files]);
  });
  byId("question").addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    addFiles([...event.clipboardData.files]);
  });
}
