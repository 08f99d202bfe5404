// A subset of Markdown, as nodes: models write it, nobody trusts it. Blocks:
// code, headings, lists, quotes, rules, paragraphs; inline: code, bold, italic.
// There are no links, images or HTML: they stay text.

import { el, icon, announce } from "/page/dom.js";

const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*(?=\S)([\s\S]*?\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*]*?[^\s*])\*(?![\w*])|(?<!\w)_(?=\S)([^_]*?\S)_(?!\w)/;

function inline(text) {
  const nodes = [];
  for (;;) {
    const found = INLINE.exec(text);
    if (!found) break;
    if (found.index) nodes.push(text.slice(0, found.index));
    const [all, , code, bold, star, under] = found;
    if (code !== undefined) nodes.push(el("code", {}, code.replace(/^ (.*\S.*) $/, "$1")));
    else if (bold !== undefined) nodes.push(el("strong", {}, ...inline(bold)));
    else nodes.push(el("em", {}, ...inline(star ?? under)));
    text = text.slice(found.index + all.length);
  }
  if (text) nodes.push(text);
  return nodes;
}

const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?(.*)$/;

/** The source of each block: all lines of one are together. */
export function blocksOf(text) {
  const blocks = [];
  let lines = [];
  let fence = null;
  const close = () => {
    if (lines.length) blocks.push(lines.join("\n"));
    lines = [];
  };
  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line);
    if (fence) {
      lines.push(line);
      if (line.trim().startsWith(fence) && !line.trim().slice(fence.length).trim()) {
        fence = null;
        close();
      }
    } else if (mark) {
      close();
      fence = mark[1];
      lines.push(line);
    } else if (!line.trim()) {
      // An empty line between two items does not end a list.
      if (lines.length && ITEM.test(lines[0])) lines.push("");
      else close();
    } else if (HEADING.test(line) || (RULE.test(line) && !(lines.length && ITEM.test(lines[0]) && !RULE.test(line)))) {
      close();
      lines.push(line);
      close();
    } else {
      if (lines.length) {
        const list = ITEM.test(lines[0]);
        const afterGap = lines.at(-1) === "";
        if (list ? afterGap && !ITEM.test(line) && !/^\s{2,}/.test(line)
                 : ITEM.test(line) || QUOTE.test(line) !== QUOTE.test(lines[0]))
          close();
      }
      lines.push(line);
    }
  }
  close();
  return blocks;
}

function codeBlock(source) {
  const lines = source.split("\n");
  const [, fence, language] = FENCE.exec(lines[0]);
  const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence);
  const code = lines.slice(1, closed ? -1 : undefined).join("\n");
  const copy = el("button", {
    type: "button", class: "quiet small",
    onclick: async () => {
      await navigator.clipboard?.writeText(code);
      announce("Code copied");
      copy.lastChild.textContent = "Copied";
    },
  }, icon("copy"), el("span", {}, "Copy"));
  return el("figure", { class: "code" },
    el("figcaption", {}, el("span", {}, language || "text"), copy),
    el("pre", { tabIndex: 0 }, el("code", {}, code)));
}

function list(source) {
  const stack = [{ indent: -1, node: null, last: null }];
  let top = null;
  for (const line of source.split("\n")) {
    const item = ITEM.exec(line);
    if (!item) {
      if (line.trim()) stack.at(-1).last?.append(" ", ...inline(line.trim()));
      continue;
    }
    const [, space, mark, text] = item;
    while (stack.length > 1 && space.length < stack.at(-1).indent) stack.pop();
    if (stack.length === 1 || space.length > stack.at(-1).indent + 1) {
      const ordered = /\d/.test(mark);
      const node = stack.length === 1 && top ? top : el(ordered ? "ol" : "ul");
      if (ordered && node !== top) node.start = parseInt(mark, 10);
      if (stack.length > 1) stack.at(-1).last.append(node);
      top ??= node;
      stack.push({ indent: space.length, node, last: null });
    }
    const entry = el("li", {}, ...inline(text));
    stack.at(-1).node.append(entry);
    stack.at(-1).last = entry;
  }
  return top;
}

function block(source) {
  if (FENCE.test(source.split("\n", 1)[0])) return codeBlock(source);
  const heading = HEADING.exec(source);
  if (heading) return el("p", { class: `heading h${heading[1].length}`, role: "heading", "aria-level": Math.min(6, heading[1].length + 2) }, ...inline(heading[2]));
  if (RULE.test(source)) return el("hr");
  if (ITEM.test(source.split("\n", 1)[0])) return list(source);
  if (QUOTE.test(source))
    return el("blockquote", {}, ...inline(source.split("\n").map((line) => QUOTE.exec(line)?.[1] ?? line).join("\n")));
  return el("p", {}, ...inline(source));
}

const rendered = new WeakMap();

/** Shows `text` in `container`. Blocks that stay the same are left alone, so
 * that a growing answer costs its last block only. */
export function render(container, text) {
  const before = rendered.get(container) ?? [];
  const blocks = blocksOf(text);
  let same = 0;
  while (same < before.length && same < blocks.length && before[same] === blocks[same]) ++same;
  while (container.childNodes.length > same) container.lastChild.remove();
  for (const source of blocks.slice(same)) container.append(block(source));
  rendered.set(container, blocks);
}
