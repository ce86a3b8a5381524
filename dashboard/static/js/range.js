// The time range: copy it with absolute times, paste one, and zoom by dragging on a figure.
import { copyText } from "./copy.js";
import { toast } from "./toast.js";

const bar = () => document.getElementById("range");

export function setRange(from, to) {
  const address = new URL(location.href);
  for (const gone of ["before", "after", "page", "cursor", "record"]) address.searchParams.delete(gone);
  address.searchParams.set("from", from);
  address.searchParams.set("to", to);
  location.assign(address);
}

export function copyRange() {
  if (!bar()) return;
  const [start, end] = [bar().dataset.start, bar().dataset.end].map((at) => new Date(Number(at)).toISOString());
  copyText(`from=${start}&to=${end}`, "Time range copied");
}

// `from=...&to=...`, a whole address, or two times with "to", "/" or a comma between them.
export function readRange(text) {
  const trimmed = text.trim();
  const query = new URLSearchParams(trimmed.includes("?") ? trimmed.slice(trimmed.indexOf("?")) : trimmed);
  if (query.get("from")) return [query.get("from"), query.get("to") || "now"];
  const parts = trimmed.split(/\s+to\s+|\s*[,/]\s*/);
  return parts.length === 2 && parts.every((part) => /^(now\b|\d)/.test(part)) ? parts : null;
}

export async function pasteRange() {
  if (!bar()) return;
  try {
    const range = readRange(await navigator.clipboard.readText());
    if (range) setRange(...range);
    else toast("What was copied is not a time range", "warn");
  } catch {
    toast("The browser does not let this page read the clipboard; paste into From instead", "warn");
  }
}

export function startRange() {
  if (!bar()) return;
  bar().addEventListener("click", (event) => event.target.closest("[data-copy-range]") && copyRange());
  const from = bar().querySelector("input[name=from]");
  from?.addEventListener("paste", (event) => {
    const range = readRange(event.clipboardData.getData("text"));
    if (!range) return;
    event.preventDefault();
    from.value = range[0];
    bar().querySelector("input[name=to]").value = range[1];
  });
}
