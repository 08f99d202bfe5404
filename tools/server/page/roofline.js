// Measured time of each op beside what the machine allows for it.

import { announce, digits, el, svg, timeText, whole } from "/page/dom.js";
import { getJson, postJson } from "/page/api.js";
import { decades, frame, keepDrawn, path, scale } from "/page/plot.js";

const nameOf = (row) => row.op ? `${row.function} ${row.op}` : "outside of all ops";
const whatOf = (row) => [row.kind, ...(row.with ?? [])].filter(Boolean).join(", ");

/** Operations per byte against operations per second, below the machine's roof. */
function drawing({ prefill, decode, limits }, width) {
  const points = [];
  for (const [phase, { rows }] of [["prefill", prefill], ["decode", decode]])
    for (const row of rows)
      if (row.operations > 0 && row.bytes > 0 && row.seconds > 0)
        points.push({ phase, row, x: row.operations / row.bytes, y: row.operations / row.seconds / 1e9 });
  if (!points.length) return null;
  // One line for types that are as fast as each other.
  const peaks = [];
  for (const [name, rate] of [["f32", limits.f32_gflops], ["bf16", limits.bf16_gflops], ["int8", limits.int8_gops]]) {
    const same = peaks.find((peak) => Math.abs(peak[1] / rate - 1) < 0.1);
    if (same) same[0] += `, ${name}`;
    else if (rate > 0) peaks.push([name, rate]);
  }
  const top = Math.max(...peaks.map(([, rate]) => rate));
  const band = limits.dram_gbps;
  const xs = decades(Math.min(...points.map((point) => point.x), 0.1), Math.max(...points.map((point) => point.x), (2 * top) / band));
  // A machine that was busy while its limits were measured has points above them.
  const ys = decades(Math.min(...points.map((point) => point.y), top / 100), Math.max(...points.map((point) => point.y), top));
  const height = width < 600 ? 300 : 360, left = 62, bottom = 48;
  const x = scale(xs[0], xs.at(-1), left, width - 16, 10);
  const y = scale(ys[0], ys.at(-1), height - bottom, 16, 10);
  const power = (tick) => tick >= 0.01 && tick < 1e5 ? digits(tick) : tick.toExponential(0);
  const root = frame({
    width, height, left, bottom, xs, ys, x, y, xText: power, yText: power,
    xTitle: "operations per byte", yTitle: "10⁹ operations a second",
    label: "Roofline: operations a second of each op against its operations per byte",
  });
  for (const [at, [name, rate]] of peaks.entries()) {
    const knee = rate / band;
    const from = Math.max(xs[0], ys[0] / band);
    root.append(
      svg("path", { class: at ? "roof2" : "roof", d: path([[x(from), y(from * band)], [x(Math.min(knee, xs.at(-1))), y(rate)], [x(xs.at(-1)), y(rate)]]) }),
      svg("text", { x: width - 22, y: y(rate) - 6, "text-anchor": "end" }, `${name}: ${digits(rate)}`));
  }
  // Above the middle of the slope.
  const knee = peaks[0][1] / band;
  const middle = Math.sqrt(Math.max(xs[0], ys[0] / band) * knee);
  root.append(svg("text", { x: x(middle) - 10, y: y(middle * band) - 10, "text-anchor": "end" }, `memory: ${digits(band)} GB/s`));
  for (const { phase, row, x: px, y: py } of points) {
    const radius = 4 + 10 * Math.sqrt(row.share ?? 0);
    const dot = svg("circle", { class: `dot ${phase}`, cx: x(px).toFixed(1), cy: y(py).toFixed(1), r: radius.toFixed(1) });
    dot.append(svg("title", {}, `${phase}: ${nameOf(row)}: ${timeText(row.seconds)}, ${digits(py)}·10⁹ operations a second, ${digits(px)} per byte`));
    root.append(dot);
  }
  return root;
}

function table(title, phase) {
  const longest = Math.max(...phase.rows.map((row) => Math.max(row.seconds, row.allowed_s ?? 0)));
  const lane = (row) => {
    const bars = el("div", { class: "lane" }, el("span"), el("span"));
    const [measured, allowed] = bars.children;
    measured.style.width = `${(100 * row.seconds) / longest}%`;
    allowed.style.width = `${(100 * (row.allowed_s ?? 0)) / longest}%`;
    allowed.hidden = !row.allowed_s;
    return bars;
  };
  return [
    el("h2", {}, `${title}: ${timeText(phase.seconds)}`),
    el("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": title },
      el("table", { class: "bars" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Op"), el("th", { scope: "col" }, "Measured, allowed"),
          ...["Measured", "Allowed", "Efficiency", "Share"].map((name) => el("th", { scope: "col", class: "num" }, name)))),
        el("tbody", {}, ...phase.rows.map((row) => el("tr", {},
          el("th", { scope: "row", title: whatOf(row) }, nameOf(row), " ", el("small", {}, row.kind)),
          el("td", { class: "bar-cell" }, lane(row)),
          el("td", { class: "num" }, timeText(row.seconds)),
          el("td", { class: "num" }, row.allowed_s ? timeText(row.allowed_s) : "–"),
          el("td", { class: "num" }, row.allowed_s ? digits(row.allowed_s / row.seconds) : "–"),
          el("td", { class: "num" }, `${digits((100 * row.seconds) / phase.seconds)} %`)))))),
  ];
}

export function showRoofline(panel, first) {
  const prompt = el("input", { type: "number", min: 1, max: 4096, value: first.prompt_tokens ?? 128 });
  const decode = el("input", { type: "number", min: 1, max: 4096, value: first.decode_tokens ?? 32 });
  const start = el("button", { type: "submit", class: "send" }, "Measure");
  const progress = el("div", { class: "reading", hidden: true }, el("progress", { max: 1, "aria-label": "Measuring" }), el("span", {}));
  const results = el("div");
  const form = el("form", { class: "measure", onsubmit: measure },
    el("label", {}, "Tokens read", prompt), el("label", {}, "Tokens made", decode), start, progress);
  panel.replaceChildren(
    el("p", { class: "lead" }, "Runs the model beside the server, with a clock around each op, and measures what this machine can do at best. Requests go on meanwhile: the measurement has a lower priority, and its times are longer while others run."),
    form, results);

  function show(answer) {
    const runs = answer.state === "running";
    start.disabled = runs;
    progress.hidden = !runs;
    if (runs) {
      progress.firstChild.value = answer.fraction ?? 0;
      progress.lastChild.textContent = `Measuring: ${answer.what || "starting"}`;
      return;
    }
    if (answer.state === "failed") {
      results.replaceChildren(el("p", { class: "problem", role: "alert" }, answer.error));
      return;
    }
    if (answer.state !== "done") return;
    const plot = el("div");
    keepDrawn(plot, (width) => drawing(answer, width));
    const section = el("section", {},
      el("h2", {}, "Below the roof"),
      el("ul", { class: "legend" },
        el("li", { class: "k0" }, el("span", { class: "swatch" }), `reading ${whole(answer.prompt_tokens)} tokens`),
        el("li", { class: "k2" }, el("span", { class: "swatch" }), "making one token"),
        el("li", {}, "area: share of the time")),
      plot,
      ...table(`Reading ${whole(answer.prompt_tokens)} tokens`, answer.prefill),
      ...table("Making one token", answer.decode),
      el("p", { class: "lead" }, `With ${answer.threads} thread${answer.threads === 1 ? "" : "s"}. The upper bar is what was measured, the lower one what the limits allow: `
        + `${digits(answer.limits.f32_gflops)}·10⁹ operations a second in f32, ${digits(answer.limits.bf16_gflops)} in bf16, ${digits(answer.limits.int8_gops)} of bytes, ${digits(answer.limits.dram_gbps)} GB/s from memory, ${digits(answer.limits.exp_gops)}·10⁹ exponentials a second.`));
    results.replaceChildren(section);
  }

  async function follow(answer) {
    show(answer);
    while (answer.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, 400));
      answer = await getJson("/explorer/roofline");
      show(answer);
    }
    announce(answer.state === "done" ? "The measurement is complete" : answer.error ?? "");
  }

  async function measure(event) {
    event.preventDefault();
    try {
      await follow(await postJson("/explorer/roofline", { prompt: Number(prompt.value), decode: Number(decode.value) }));
    } catch (problem) {
      start.disabled = false;
      results.replaceChildren(el("p", { class: "problem", role: "alert" }, problem.message));
    }
  }

  if (first.state === "running") follow(first).catch(() => {});
  else show(first);
}
