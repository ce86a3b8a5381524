// Draws the figures that the server made, when they come near the viewport, in the colours of the theme.
import { saveCsv } from "./csv.js";
import { setRange } from "./range.js";

const PALETTE = 8;
const TICKS = [
  { dtickrange: [null, 60000], value: "%H:%M:%S\n%d %b" },
  { dtickrange: [60000, 86400000], value: "%H:%M\n%d %b" },
  { dtickrange: [86400000, "M1"], value: "%d %b\n%Y" },
  { dtickrange: ["M1", null], value: "%b %Y" },
];
const drawn = new Set();
let library = null;
let colours = null;

function plotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector('meta[name="plotly"]').content;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("the figure library did not load"));
    document.head.append(script);
  });
  return library;
}

// Resolved colours of the style sheet: light-dark() is only resolved where a colour is used.
function readColours() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["ink", "ink-2", "ink-3", "grid", "line", "line-strong", "surface", "raised", "accent", "ok", "warn", "crit", "info", "sim"];
  colours = Object.fromEntries(names.map((name) => [name, read(name)]));
  colours.series = Array.from({ length: PALETTE }, (_, index) => read(`series-${index + 1}`));
  colours.font = getComputedStyle(document.documentElement).fontFamily;
  Object.assign(colours, { none: colours["line-strong"], debug: colours["line-strong"], deploy: colours.accent });
  for (let index = 0; index < PALETTE; index++) colours[`series-${index + 1}`] = colours.series[index];
  probe.remove();
}

function translucent(colour, alpha) {
  return colour.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => `rgba(${parts.split(",").slice(0, 3).join(",")}, ${alpha})`);
}

function themedTrace(trace, colour) {
  if (trace.meta?.band) return { ...trace, line: { ...trace.line, color: colour }, fillcolor: translucent(colour, 0.16) };
  const themed = { ...trace, line: { ...trace.line, color: colour }, fillcolor: translucent(colour, trace.stackgroup ? 0.55 : 0.12) };
  if (trace.type === "bar") return { ...trace, marker: { ...trace.marker, color: colour } };
  if (trace.type === "pie") return { ...trace, marker: { colors: colours.series, line: { color: colours.surface, width: 1 } } };
  themed.marker = { ...trace.marker, color: colour };
  return themed;
}

function axis(given, extra = {}) {
  return {
    gridcolor: colours.grid, linecolor: colours.line, zerolinecolor: colours.line, tickcolor: colours.line,
    tickfont: { color: colours["ink-3"], size: 11 }, fixedrange: true, automargin: true, ...given, ...extra,
  };
}

function themed(figure, element) {
  let next = 0;
  const data = figure.data.map((trace) => {
    const role = trace.meta?.role;
    return themedTrace(trace, (role && colours[role]) || colours.series[next++ % PALETTE]);
  });
  const given = figure.layout;
  const time = given.meta?.time;
  const layout = {
    ...given,
    width: element.clientWidth,
    height: element.clientHeight,
    margin: { t: given.annotations?.length ? 14 : 6, r: 8, b: 8, l: 8, pad: 0, ...given.margin },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 12, color: colours["ink-2"] },
    showlegend: false,
    hoverlabel: { bgcolor: colours.raised, bordercolor: colours.line, font: { family: colours.font, size: 12, color: colours.ink } },
    dragmode: time ? "zoom" : false,
    shapes: given.shapes?.map((shape) => ({ ...shape, line: { ...shape.line, color: colours[shape.name] ?? colours["ink-3"] } })),
    annotations: given.annotations?.map((note) => ({ ...note, font: { size: 11, color: colours[note.name] ?? colours["ink-3"] } })),
    xaxis: axis(given.xaxis, time ? { fixedrange: false, showgrid: false, hoverformat: "%d %b %H:%M:%S UTC", showspikes: true, spikethickness: 1, spikedash: "solid", spikecolor: colours["line-strong"], spikemode: "across", nticks: Math.max(3, Math.floor(element.clientWidth / 110)), tickformatstops: TICKS } : {}),
    yaxis: axis(given.yaxis, time ? { nticks: 5, showline: false } : {}),
  };
  return { data, layout };
}

function read(element) {
  return JSON.parse(document.getElementById(element.dataset.figure).textContent);
}

async function draw(element) {
  try {
    const Plotly = await plotly();
    if (!colours) readColours();
    const figure = read(element);
    const { data, layout } = themed(figure, element);
    const hidden = new Set(element.dataset.hidden?.split("\n"));
    for (const trace of data) if (hidden.has(trace.name)) trace.visible = "legendonly";
    await Plotly.react(element, data, layout, { displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false });
    if (!drawn.has(element)) {
      drawn.add(element);
      wire(element, figure.layout.meta?.time);
    }
    legend(element, data);
    element.dataset.state = "drawn";
  } catch (error) {
    element.dataset.state = "failed";
    element.textContent = `This figure could not be drawn: ${error.message}. Its numbers are in the table.`;
  }
}

// Names of the series below the figure; a click hides or shows one, with the dash that tells it apart.
function legend(element, data) {
  const named = data.filter((trace) => trace.name && trace.showlegend !== false && trace.type !== "pie");
  let list = element.parentElement.querySelector(".legend");
  if (named.length < 2) return list?.remove();
  if (!list) {
    list = document.createElement("ul");
    list.className = "legend";
    element.after(list);
    list.addEventListener("click", (event) => {
      const name = event.target.closest("button")?.dataset.name;
      if (name === undefined) return;
      const hidden = new Set(element.dataset.hidden ? element.dataset.hidden.split("\n") : []);
      hidden.delete(name) || hidden.add(name);
      element.dataset.hidden = [...hidden].join("\n");
      draw(element);
    });
  }
  const items = named.map((trace) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.name = trace.name;
    button.setAttribute("aria-pressed", trace.visible !== "legendonly");
    const colour = trace.type === "bar" ? trace.marker.color : trace.line.color;
    const dash = { dash: "6 3", dot: "2 3", dashdot: "7 3 2 3" }[trace.line?.dash] ?? "none";
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    swatch.setAttribute("viewBox", "0 0 16 8");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", "M0 4H16");
    line.setAttribute("stroke", colour);
    line.setAttribute("stroke-width", trace.type === "bar" ? 8 : 2.5);
    line.setAttribute("stroke-dasharray", dash);
    swatch.append(line);
    const words = document.createElement("span");
    words.textContent = trace.name;
    button.append(swatch, words);
    item.append(button);
    return item;
  });
  list.replaceChildren(...items);
}

function wire(element, time) {
  const tools = document.querySelector(`[data-figure-tools="${CSS.escape(element.dataset.figure)}"]`);
  if (tools) tools.hidden = false;
  resized.observe(element);
  if (read(element).layout.meta?.links) element.on("plotly_click", (event) => follow(event.points[0]?.customdata));
  if (!time) return;
  element.on("plotly_relayout", (change) => {
    const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (from && to) setRange(String(utc(from)), String(utc(to)));
  });
  element.on("plotly_hover", (event) => mirror(element, event.xvals?.[0] ?? event.points?.[0]?.x));
  element.on("plotly_unhover", () => mirror(element, null));
  element.addEventListener("keydown", (event) => step(element, event));
}

// A point that stands for a page of ours opens it; the table below the figure has the same links for the keyboard.
function follow(address) {
  if (typeof address === "string" && address.startsWith("/") && !address.startsWith("//")) location.assign(address);
}

const utc = (text) => Date.parse(`${String(text).replace(" ", "T")}Z`);

// One crosshair on all figures of the page.
let mirroring = false;
function mirror(source, at) {
  if (mirroring) return;
  mirroring = true;
  for (const other of drawn) {
    if (other === source || !other.isConnected || !other.layout?.meta?.time) continue;
    if (at === null || at === undefined) globalThis.Plotly.Fx.unhover(other);
    else globalThis.Plotly.Fx.hover(other, { xval: typeof at === "number" ? at : utc(at) });
  }
  mirroring = false;
}

// Arrow keys move the crosshair of a focused figure, Escape lets go.
function step(element, event) {
  const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
  if (event.key === "Escape") globalThis.Plotly.Fx.unhover(element);
  if (!move) return;
  event.preventDefault();
  const points = element.data.find((trace) => trace.visible !== "legendonly")?.y.length ?? 0;
  const place = Math.min(Math.max(Number(element.dataset.place ?? points) + move, 0), points - 1);
  element.dataset.place = place;
  const first = element.data[0];
  globalThis.Plotly.Fx.hover(element, { xval: utc(first.x0) + place * first.dx });
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!target.isConnected) {
      resized.unobserve(target);
      drawn.delete(target);
    } else if (target.clientWidth && Math.abs(target.clientWidth - (target._fullLayout?.width ?? 0)) > 1) draw(target);
  }
});

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      draw(entry.target);
    }
  },
  { rootMargin: "300px" },
);

// Rows of a figure: a head and one row a point, names of series as columns.
export function rowsOf(figure) {
  const unit = figure.layout.meta?.unit_words;
  const series = figure.data.filter((trace) => !trace.meta?.band);
  if (figure.layout.meta?.columns) return [figure.layout.meta.columns, ...series.flatMap((trace) => trace.x.map((x, index) => [trace.text[index], x, trace.y[index]]))];
  if (!figure.layout.meta?.time) {
    const lying = series[0]?.orientation === "h";
    return [["name", unit || "value"], ...series.flatMap((trace) => (trace.labels ?? (lying ? trace.y : trace.x)).map((name, index) => [name, (trace.values ?? (lying ? trace.x : trace.y))[index]]))];
  }
  const head = ["time (UTC)", ...series.map((trace) => (unit ? `${trace.name} (${unit})` : trace.name))];
  const { x0, dx, y } = series[0];
  const start = utc(x0);
  const body = y.map((_, index) => [new Date(start + index * dx).toISOString().slice(0, 19).replace("T", " "), ...series.map((trace) => trace.y[index])]);
  return [head, ...body];
}

function toggleTable(element, button) {
  const shown = button.getAttribute("aria-pressed") === "true";
  button.setAttribute("aria-pressed", !shown);
  element.hidden = !shown;
  element.parentElement.querySelector(".figure__table")?.remove();
  if (shown) return draw(element);
  const [head, ...body] = rowsOf(read(element));
  const box = document.createElement("div");
  box.className = "figure__table table-wrap";
  box.tabIndex = 0;
  const table = document.createElement("table");
  table.className = "table";
  const row = (cells, tag, parent) => {
    const line = parent.insertRow();
    cells.forEach((cell, index) => {
      const item = document.createElement(index ? tag : "th");
      item.textContent = cell ?? "\u2013";
      if (index) item.className = "num";
      line.append(item);
    });
  };
  row(head, "th", table.createTHead());
  const rows = table.createTBody();
  for (const cells of body.reverse()) row(cells, "td", rows);
  box.append(table);
  element.parentElement.append(box);
}

function watch(root) {
  for (const element of root.querySelectorAll("[data-figure]")) {
    if (drawn.has(element)) draw(element);
    else near.observe(element);
  }
}

export function startFigures() {
  watch(document);
  document.addEventListener("htmx:load", (event) => watch(event.target));
  document.addEventListener("page:refreshed", () => watch(document));
  document.addEventListener("theme:changed", () => {
    readColours();
    for (const element of drawn) if (element.isConnected && !element.hidden) draw(element);
  });
  document.addEventListener("click", (event) => {
    const tools = event.target.closest("[data-figure-tools]");
    const element = tools && document.querySelector(`[data-figure="${CSS.escape(tools.dataset.figureTools)}"]`);
    if (!element) return;
    if (event.target.closest("[data-figure-table]")) toggleTable(element, event.target.closest("button"));
    if (event.target.closest("[data-figure-csv]")) saveCsv(`${element.dataset.figure}.csv`, rowsOf(read(element)));
  });
}
