// check_page.mjs MARIMBA MODEL WORK chat|model [SHOTS]: one of the two tabs of the
// server's page in Chromium, as a person uses it: by mouse, by keyboard alone, on
// a phone. With SHOTS, a folder, it leaves pictures there.

import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [marimba, model, work, tab, shots] = process.argv.slice(2);
const SECONDS = 300; // others may want the machine, too
let failures = 0;

function check(what, ok, found) {
  if (ok) return;
  ++failures;
  console.error(`${what}: found ${JSON.stringify(found)}`);
}
const equal = (what, expected, found) => check(`${what}: expected ${JSON.stringify(expected)}`, JSON.stringify(expected) === JSON.stringify(found), found);
const matches = (what, pattern, found) => check(`${what}: expected ${pattern}`, pattern.test(found ?? ""), found);

/** Starts a server; its URL, and what ends it. */
async function serve(...flags) {
  const child = spawn(marimba, ["serve", model, "--port=0", "--dtype=f32", "--threads=1", "--quiet", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.setEncoding("utf-8").on("data", (text) => {
      said += text;
      const found = /listening on (http:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on("exit", (code) => reject(new Error(`marimba serve ended with ${code}: ${said}`)));
  });
  return {
    url,
    async end() {
      child.removeAllListeners("exit");
      const gone = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
      child.kill("SIGTERM");
      equal("end of the server", 0, await gone);
    },
  };
}

/** A tab of its own, which hears of errors and of requests to elsewhere. */
async function openPage(browser, url, options = {}, errorsExpected = false) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light", ...options });
  context.setDefaultTimeout(SECONDS * 1000);
  const page = await context.newPage();
  page.on("pageerror", (error) => check("an error of the page", false, error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !errorsExpected) check("the console", false, message.text());
  });
  page.on("request", (request) => check("a request", request.url().startsWith(`${url}/`), request.url()));
  await page.goto(`${url}/`);
  await page.waitForFunction(() => document.getElementById("model-name").textContent);
  return page;
}

const turns = (page) => page.locator(".turn").count();
const answered = (page) => page.waitForSelector("#send:not([hidden])");
const last = (page, part) => page.locator(".turn.answer").last().locator(part);
const numbers = async (page) => {
  const text = await last(page, ".meta").innerText();
  const found = /([\d,]+) reused, ([\d,]+) read/.exec(text);
  return found ? found.slice(1).map((number) => Number(number.replaceAll(",", ""))) : [text];
};
const shot = async (page, name) => {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
};

async function ask(page, text) {
  await page.fill("#question", text);
  await page.press("#question", "Enter");
  await page.waitForFunction((wanted) => [...document.querySelectorAll(".turn.user")].at(-1)?.innerText.includes(wanted), text);
  await answered(page);
}

async function atMost(page, tokens) {
  await page.click("#open-settings");
  await page.fill("#settings [name=maxTokens]", tokens);
  await page.fill("#settings [name=temperature]", "0");
  await page.click("#settings button[value=ok]");
}

/** Nothing but keys: a question, a line more, an answer, Escape. */
async function byKeyboard(browser, url) {
  const page = await openPage(browser, url);
  equal("focus at the start", "question", await page.evaluate(() => document.activeElement.id));
  await page.keyboard.type("Once upon a time");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("there was a dog.");
  equal("Shift+Enter", "Once upon a time\nthere was a dog.", await page.inputValue("#question"));
  await page.keyboard.press("Enter");
  await page.waitForSelector("#stop:not([hidden])");
  await page.waitForFunction(() => document.querySelector(".answer > .text")?.textContent.length > 10);
  await page.keyboard.press("Escape");
  await answered(page);
  equal("Escape", "Stopped.", await last(page, ".note").innerText());
  // To the tabs, and along them.
  await page.evaluate(() => document.getElementById("tab-chat").focus());
  await page.keyboard.press("ArrowRight");
  equal("ArrowRight", "tab-model", await page.evaluate(() => document.activeElement.id));
  check("the model's view", await page.isVisible("#view-model"));
  await page.keyboard.press("Tab");
  equal("Tab to the inner tabs", "tab-layers", await page.evaluate(() => document.activeElement.id));
  await page.keyboard.press("End");
  check("End", await page.isVisible("#panel-memory"));
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  equal("outline of what has the focus", "solid", outline);
  await page.keyboard.press("Home");
  check("Home", await page.isVisible("#panel-layers"));
  await page.context().close();
}

async function conversation(browser, url) {
  const page = await openPage(browser, url);
  await shot(page, "desktop-light-start");
  await atMost(page, "24");
  await ask(page, "Once upon a time there was a little cat.");
  check("an answer", (await last(page, "> .text").innerText()).length > 20);
  matches("tokens a second", /^24 tokens, [\d.,]+ a second/, await last(page, ".meta").innerText());
  equal("end at the bound", "Ended at the bound of tokens.", await last(page, ".note").innerText());
  const [, first] = await numbers(page);
  await ask(page, "What did the cat do?");
  const [reused, read] = await numbers(page);
  check("the second question reads less than everything", reused > 0 && read < first + 64, [reused, read]);

  // A file, with what is read of it.
  await page.evaluate(() => {
    window.progress = [];
    new MutationObserver(() => {
      const text = document.querySelector(".answer.live .reading span")?.textContent;
      if (text && window.progress.at(-1) !== text) window.progress.push(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const story = "The cat went into the garden, where it met a bird and a frog. They played all day. ".repeat(120);
  await page.setInputFiles("#file", { name: "story.txt", mimeType: "text/plain", buffer: Buffer.from(story) });
  await page.waitForSelector("#attached small");
  matches("the file's chip", /story\.txt\s+[\d,]+ characters/, await page.innerText("#attached"));
  await ask(page, "Who was in the garden?");
  const progress = await page.evaluate(() => window.progress);
  check("progress of reading", progress.some((text) => /^Reading [\d,]+ of [\d,]+ tokens$/.test(text)), progress);
  equal("the file in the question", "story.txt", await page.locator(".turn.user").last().locator("summary span").innerText());
  await page.setInputFiles("#file", { name: "image.bin", mimeType: "text/plain", buffer: Buffer.from([0xff, 0xfe, 0, 1]) });
  matches("bytes that are no text", /image\.bin is no text in UTF-8/, await page.innerText("#attached"));
  await shot(page, "desktop-light-chat");

  // A fork is a copy: what is edited in it stays as it was in the other.
  equal("turns", 6, await turns(page));
  await page.click("#fork");
  equal("turns of the fork", 6, await turns(page));
  equal("conversations", 2, await page.locator("#conversations li").count());
  const box = page.locator(".turn.user").nth(1);
  await box.locator("button", { hasText: "Edit" }).click();
  await box.locator("textarea").fill("What did the bird do?");
  await box.locator("textarea").press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".turn").length === 4);
  await answered(page);
  const [kept] = await numbers(page);
  check("an edited turn reuses what came before it", kept > 0, kept);
  await page.locator("#conversations button", { hasNotText: "(fork)" }).click();
  equal("turns of the first conversation", 6, await turns(page));
  equal("its second question", "What did the cat do?", await page.locator(".turn.user").nth(1).locator(".plain").innerText());

  await page.locator(".turn.answer").first().locator("button", { hasText: "Fork here" }).click();
  equal("turns of a fork from the first answer", 2, await turns(page));

  // The server keeps it.
  await page.click("#save");
  await page.fill("#naming [name=name]", "cat-1");
  await page.click("#naming button[value=ok]");
  await page.waitForSelector("#sessions li");
  matches("the saved session", /cat-1/, await page.innerText("#sessions"));
  equal("the button", "Saved", await page.innerText("#save"));
  await page.reload();
  await page.waitForSelector("#sessions li");
  equal("turns after a reload", 2, await turns(page));
  await ask(page, "And then?");
  check("the saved session is reused", (await numbers(page))[0] > 0);
  await page.click("#fork");
  await page.waitForFunction(() => document.querySelectorAll("#sessions li").length === 2);
  // What is not in this browser comes from the server.
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.waitForSelector("#sessions li");
  equal("turns without the browser's copy", 0, await turns(page));
  await page.locator('#sessions button:has(.name:text-is("cat-1"))').click();
  await page.waitForSelector(".turn");
  equal("turns of the server's copy", 4, await turns(page));
  equal("its last question", "And then?", await page.locator(".turn.user").last().locator(".plain").innerText());
  for (let rest = 2; rest > 0; --rest) {
    await page.locator("#sessions button[aria-label^='Delete']").first().click();
    await page.waitForFunction((count) => document.querySelectorAll("#sessions li").length === count, rest - 1);
  }
  check("no list of sessions", !(await page.isVisible("#saved")));
  await page.context().close();
}

async function explorer(browser, url) {
  const page = await openPage(browser, url);
  await page.click("#tab-model");
  await page.waitForSelector("#panel-layers .strip button");
  equal("layers", 8, await page.locator("#panel-layers .strip button").count());
  await page.locator("#panel-layers .strip button").nth(4).click();
  matches("a layer", /^Layer 4: attention/, await page.locator("#layer-detail h2").first().innerText());
  matches("its weights", /q_proj/, await page.innerText("#layer-detail"));
  await shot(page, "desktop-light-layers");

  await page.click("#tab-stages");
  await page.waitForSelector("#panel-stages .ir details");
  equal("stages", 10, await page.locator(".stagelist button").count());
  await page.locator(".stagelist button", { hasText: "fuse" }).click();
  await page.waitForFunction(() => document.querySelector("#panel-stages .lead + .stagelist + .lead").textContent.startsWith("fuse:"));
  await page.waitForSelector("#panel-stages .ir details");
  check("functions are folded", (await page.locator(".ir details[open]").count()) === 0);
  await page.fill("#panel-stages input", "selective_scan");
  await page.press("#panel-stages input", "Enter");
  await page.waitForSelector("mark.here");
  matches("a search", /^1 of \d+$/, await page.innerText("#panel-stages output"));
  equal("what is marked", "selective_scan", await page.innerText("mark.here"));
  await page.locator("#panel-stages button", { hasText: "Next" }).click();
  matches("the next one", /^2 of \d+$/, await page.innerText("#panel-stages output"));
  await shot(page, "desktop-light-stages");
  await page.locator(".stagelist button", { hasText: "llvm" }).click();
  await page.waitForFunction(() => document.querySelector(".ir")?.textContent.includes("llvm.func"));

  await page.click("#tab-memory");
  await page.waitForSelector("#panel-memory .plot");
  const before = await page.getAttribute("#panel-memory .plot", "aria-label");
  await page.fill("#panel-memory input", "8");
  check("more sequences, more memory", before !== (await page.getAttribute("#panel-memory .plot", "aria-label")));
  await shot(page, "desktop-light-memory");

  await page.click("#tab-roofline");
  await page.fill("#panel-roofline input >> nth=0", "16");
  await page.fill("#panel-roofline input >> nth=1", "4");
  await page.locator("#panel-roofline button", { hasText: "Measure" }).click();
  await page.waitForSelector("#panel-roofline .plot");
  const rows = await page.locator("#panel-roofline tbody tr").allInnerTexts();
  check("ops", rows.length > 20, rows.length);
  check("an op with what is allowed for it", rows.some((row) => /linear.*\d.*s.*\d.*s/s.test(row)), rows.slice(0, 3));
  await shot(page, "desktop-light-roofline");
  await page.context().close();
}

async function phone(browser, url) {
  const page = await openPage(browser, url, { viewport: { width: 360, height: 740 }, hasTouch: true, colorScheme: "dark" });
  const sideways = () => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  check("the list is away", !(await page.isVisible("#new-conversation")));
  await page.tap("#open-sidebar");
  await page.waitForSelector("#new-conversation", { state: "visible" });
  await page.keyboard.press("Escape");
  await page.waitForSelector("#new-conversation", { state: "hidden" });
  await page.tap("#open-sidebar");
  await atMost(page, "16");
  await page.tap("#close-sidebar");
  await page.fill("#question", "Once upon a time");
  await page.tap("#send");
  await page.waitForSelector(".answer:not(.live)");
  check("chat does not scroll sideways", !(await sideways()));
  await page.tap("#tab-model");
  for (const name of ["layers", "stages", "roofline", "memory"]) {
    await page.tap(`#tab-${name}`);
    await page.waitForSelector(`#panel-${name}:not([aria-busy])`);
    check(`${name} does not scroll sideways`, !(await sideways()));
  }
  await page.context().close();
}

async function colours(browser, url) {
  const paper = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await openPage(browser, url, { colorScheme: "dark" });
  const light = await openPage(browser, url, { colorScheme: "light" });
  const [night, day] = [await paper(dark), await paper(light)];
  check("dark is not light", night !== day, night);
  await light.click("#theme"); // light
  equal("light, chosen", day, await paper(light));
  await light.click("#theme"); // dark
  equal("dark, chosen", night, await paper(light));
  await light.reload();
  equal("dark, after a reload", night, await paper(light));
  await light.click("#theme");
  equal("as the system has it", day, await paper(light));
  await dark.context().close();
  await light.context().close();
}

/** What the model writes stays text, and streams may be cut anywhere. */
async function parts(browser, url) {
  const page = await openPage(browser, url);
  const found = await page.evaluate(async () => {
    const { render } = await import("/page/markdown.js");
    const { events } = await import("/page/api.js");
    const shown = (text) => {
      const node = document.createElement("div");
      render(node, text);
      return node.innerHTML;
    };
    const bad = shown('<img src=x onerror="boom()"> [a](javascript:b) ![c](http://d/e)\n\n<script>f()</script>');
    const grown = document.createElement("div");
    const text = "# Title\n\nOne **two** `three`\n\n- a\n  - b\n- c\n\n```js\nx < 1\n```\nend *of* it";
    for (let at = 0; at <= text.length; ++at) render(grown, text.slice(0, at));
    const bytes = new TextEncoder().encode(": reading 1/2\n\ndata: {\"a\": \"größe 🙂\"}\r\n\r\ndata: x\ndata: y\n\n");
    const heard = [];
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    for await (const event of events(stream)) heard.push(event.comment ?? event.data);
    return { bad, same: grown.innerHTML === shown(text), tags: [...grown.querySelectorAll("*")].map((node) => node.tagName.toLowerCase()).filter((name) => /strong|em|li|pre/.test(name)), heard };
  });
  check("no element of the model's", !/<(img|a|script)\b/.test(found.bad), found.bad);
  check("an answer that grows ends as one that was there at once", found.same);
  equal("Markdown", ["strong", "li", "li", "li", "pre", "em"], found.tags);
  equal("events", ["reading 1/2", '{"a": "größe 🙂"}', "x\ny"], found.heard);
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, input, textarea")].filter((node) =>
    node.type !== "file" && !node.textContent.trim() && !node.getAttribute("aria-label") && !node.labels?.length).map((node) => node.outerHTML));
  equal("controls without a name", [], unnamed);
  await page.context().close();

  const response = await fetch(`${url}/`);
  matches("its policy", /default-src 'none'.*frame-ancestors 'none'/, response.headers.get("content-security-policy"));
  const again = await fetch(`${url}/`, { headers: { "if-none-match": response.headers.get("etag") } });
  equal("the same page again", 304, again.status);
  equal("a file that is not there", 404, (await fetch(`${url}/page/../Page.h`)).status);
}

async function withKey(browser) {
  writeFileSync(join(work, "keys"), "correct-horse\n", { mode: 0o600 });
  const server = await serve(`--api-key=${join(work, "keys")}`);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/`);
  await page.waitForSelector("#settings-problem:not([hidden])");
  await page.fill("#settings [name=key]", "correct-horse");
  await page.fill("#settings [name=maxTokens]", "8");
  await page.press("#settings [name=key]", "Enter");
  await page.waitForFunction(() => document.getElementById("model-name").textContent && !document.querySelector("#model-name.problem"));
  await ask(page, "Hello");
  check("an answer with the key", !(await last(page, ".note").getAttribute("class")).includes("problem"), await last(page, ".note").innerText());
  await context.close();
  await server.end();
}

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
if (shots) mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const server = await serve(`--sessions=${join(work, "sessions")}`);
try {
  for (const step of tab === "model" ? [explorer] : [byKeyboard, conversation, phone, colours, parts]) {
    const start = Date.now();
    await step(browser, server.url);
    if (shots) console.error(`${step.name}: ${Date.now() - start} ms`);
  }
  if (tab === "chat") await withKey(browser);
} finally {
  await browser.close();
  await server.end();
}
process.exit(failures ? 1 : 0);
