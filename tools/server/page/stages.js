// The IR after each stage: functions folded, with a search.

import { announce, bytesText, el, whole } from "/page/dom.js";
import { getJson } from "/page/api.js";
import { unavailable } from "/page/explorer.js";

const LONGEST_COLOURED = 3000; // lines
const LEAST_FOLDED = 10; // lines of a block
const MOST_MARKS = 2000; // of one function

const texts = new Map(); // stage number -> its sections

/** The things at the top of a module: each function by itself, the rest of a
 * kind together. */
export function sectionsOf(text) {
  const sections = [];
  const lines = text.split("\n");
  const kindOf = (line) => /^ {0,2}(?:"?(llvm\.func|func\.func|[\w.]+)"?)/.exec(line)?.[1] ?? "";
  for (let at = 0; at < lines.length; ++at) {
    const line = lines[at];
    if (!line.trim() || /^\s*\}\s*$/.test(line)) continue;
    if (/^(module|#|!)/.test(line)) {
      const title = line.startsWith("module") ? line.replace(/ attributes.*| \{$/, "") : "types and maps";
      const last = sections.at(-1);
      if (last?.title === title) last.lines.push(line);
      else sections.push({ title, kind: "module", lines: [line] });
      continue;
    }
    const kind = kindOf(line);
    const name = /@("[^"]*"|[\w.$-]+)/.exec(line)?.[0] ?? "";
    const block = [line];
    if (/\{\s*$/.test(line)) {
      const indent = /^ */.exec(line)[0];
      while (++at < lines.length) {
        block.push(lines[at]);
        if (lines[at].startsWith(`${indent}}`)) break;
      }
    }
    const last = sections.at(-1);
    if (block.length > 1) sections.push({ title: `${kind} ${name}`, kind, name, lines: block });
    else if (last?.group === kind) last.lines.push(line);
    else sections.push({ title: kind, kind, group: kind, lines: [line] });
  }
  return sections;
}

const TOKEN = /(%[\w.#$-]+(?::\d+)?)|(@[\w.$-]+)|(?<=^\s*|= )("?[a-z_]\w*(?:\.\w+)+"?)|((?:tensor|memref|vector)<[^>]*>+|!\w[\w.]*(?:<[^>]*>)?)/g;

function coloured(line) {
  const nodes = [];
  let end = 0;
  for (const found of line.matchAll(TOKEN)) {
    if (found.index > end) nodes.push(line.slice(end, found.index));
    const [text, value, symbol, op] = found;
    nodes.push(el("span", { class: value ? "tok-value" : symbol ? "tok-symbol" : op ? "tok-op" : "tok-type" }, text));
    end = found.index + text.length;
  }
  nodes.push(line.slice(end));
  return nodes;
}

/** Lines as nodes; blocks inside are folded. */
function folded(lines, colour) {
  const nodes = [];
  for (let at = 0; at < lines.length; ++at) {
    const line = lines[at];
    if (at && /\{\s*$/.test(line)) {
      const indent = /^ */.exec(line)[0];
      let end = at + 1;
      while (end < lines.length && !(lines[end].startsWith(`${indent}}`))) ++end;
      if (end - at > LEAST_FOLDED && end < lines.length) {
        const inner = lines.slice(at + 1, end);
        const body = el("div");
        const details = el("details", {
          ontoggle: () => {
            if (details.open && !body.childNodes.length) body.append(...folded(inner, colour));
          },
        }, el("summary", {}, el("span", {}, ...(colour ? coloured(line) : [line])), el("small", {}, `${whole(inner.length)} lines`)), body);
        nodes.push(details);
        at = end - 1;
        continue;
      }
    }
    nodes.push(...(colour ? coloured(line) : [line]), "\n");
  }
  return nodes;
}

/** Lines with every hit of the search marked, nothing folded. */
function marked(lines, query) {
  const nodes = [];
  const marks = [];
  const text = lines.join("\n");
  const lower = text.toLowerCase();
  let end = 0;
  for (let at = lower.indexOf(query); at >= 0 && marks.length < MOST_MARKS; at = lower.indexOf(query, end)) {
    nodes.push(text.slice(end, at));
    end = at + query.length;
    marks.push(el("mark", {}, text.slice(at, end)));
    nodes.push(marks.at(-1));
  }
  nodes.push(text.slice(end));
  return [nodes, marks];
}

function hitsIn(section, query) {
  section.lower ??= section.lines.join("\n").toLowerCase();
  let hits = 0;
  for (let at = section.lower.indexOf(query); at >= 0 && hits < MOST_MARKS; at = section.lower.indexOf(query, at + query.length)) ++hits;
  return hits;
}

function view(sections) {
  const root = el("div", { class: "ir" });
  const calls = new Map();
  for (const { lines } of sections)
    for (const line of lines) {
      const called = /\bcall @([\w.$-]+)/.exec(line)?.[1];
      if (called) calls.set(`@${called}`, (calls.get(`@${called}`) ?? 0) + 1);
    }
  const places = sections.map((section) => {
    const body = el("pre", { tabIndex: 0 });
    const hits = el("small", { class: "hits", hidden: true });
    const times = calls.get(section.name);
    const details = el("details", {
      ontoggle: () => details.open && place.fill(),
    }, el("summary", {}, el("code", {}, section.title), hits,
      el("small", {}, section.group ? `${whole(section.lines.length)} of them`
        : `${times > 1 ? `called ${times} times, ` : ""}${whole(section.lines.length)} lines`)), body);
    const place = {
      section, details, marks: [], count: 0, query: null,
      fill() {
        if (place.query === query) return;
        place.query = query;
        if (query && place.count) {
          const [nodes, marks] = marked(section.lines, query);
          place.marks = marks;
          body.replaceChildren(...nodes);
        } else {
          place.marks = [];
          body.replaceChildren(...folded(section.lines, section.lines.length <= LONGEST_COLOURED));
        }
      },
      search() {
        place.count = query ? hitsIn(section, query) : 0;
        hits.hidden = !place.count;
        hits.textContent = whole(place.count);
        details.hidden = Boolean(query) && !place.count;
        if (details.open) place.fill();
      },
    };
    root.append(details);
    return place;
  });
  let query = "";
  let at = -1;
  return {
    root,
    /** How many there are of it. */
    search(text) {
      query = text.toLowerCase();
      at = -1;
      for (const place of places) place.search();
      return places.reduce((sum, place) => sum + place.count, 0);
    },
    /** Goes to the next hit or the one before; its number from 1 on. */
    step(by) {
      const all = places.reduce((sum, place) => sum + place.count, 0);
      if (!all) return 0;
      at = at < 0 && by < 0 ? all - 1 : (at + by + all) % all;
      root.querySelector("mark.here")?.classList.remove("here");
      let rest = at;
      for (const place of places) {
        if (rest >= place.count) {
          rest -= place.count;
          continue;
        }
        place.details.open = true;
        place.fill();
        place.marks[rest].classList.add("here");
        place.marks[rest].scrollIntoView({ block: "center" });
        break;
      }
      return at + 1;
    },
  };
}

export function showStages(panel, { stages }) {
  const place = el("div");
  const summary = el("p", { class: "lead" });
  const box = el("input", { type: "search", placeholder: "an op, a function, a type", spellcheck: false });
  const found = el("output", { "aria-live": "polite" });
  let shown = null;
  let total = 0;
  const search = () => {
    total = shown?.search(box.value.trim()) ?? 0;
    found.textContent = box.value.trim() ? `${whole(total)} found` : "";
  };
  const step = (by) => {
    const number = shown?.step(by) ?? 0;
    if (number) found.textContent = `${whole(number)} of ${whole(total)}`;
  };
  let timer = 0;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 200);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(timer);
    if (!total) search();
    step(event.shiftKey ? -1 : 1);
  });
  const buttons = stages.map((stage) => el("button", {
    type: "button", class: "small", "aria-pressed": "false", onclick: () => choose(stage),
  }, stage.name));
  async function choose(stage) {
    for (const [at, button] of buttons.entries()) button.setAttribute("aria-pressed", String(stages[at] === stage));
    summary.textContent = `${stage.name}: ${stage.summary}. ${whole(stage.lines)} lines, ${bytesText(stage.bytes)}.`;
    if (!texts.has(stage.number)) {
      place.replaceChildren(el("div", { class: "reading" }, el("progress", { "aria-label": "Fetching" }), el("span", {}, "Fetching")));
      try {
        const answer = await getJson(`/explorer/stage/${stage.number}`);
        if (answer.available === false) throw new Error(answer.because);
        texts.set(stage.number, sectionsOf(answer.text));
      } catch (problem) {
        place.replaceChildren(unavailable(problem.message));
        return;
      }
    }
    if (buttons[stages.indexOf(stage)].getAttribute("aria-pressed") !== "true") return; // another was chosen
    shown = view(texts.get(stage.number));
    place.replaceChildren(shown.root);
    search();
    announce(`Stage ${stage.name}`);
  }
  panel.replaceChildren(
    el("p", { class: "lead" }, "The model on its way to machine code: the module after each stage. Layers of one kind are one function; weights are declared, never contained."),
    el("div", { class: "stagelist", role: "group", "aria-label": "Stages" }, ...buttons),
    summary,
    el("div", { class: "find" }, el("label", {}, el("span", { class: "hidden" }, "Search in this stage"), box),
      el("button", { type: "button", class: "small", onclick: () => step(-1) }, "Previous"),
      el("button", { type: "button", class: "small", onclick: () => step(1) }, "Next"), found),
    place);
  choose(stages[0]);
}
