// The logs page: open and close a record, wrap lines, move by keys, copy an address with absolute times.
import { copyText } from "./copy.js";
import { startExport } from "./log_export.js";
import { startTail } from "./log_tail.js";
import { Completion } from "./queries.js";

const WRAP = "belvedere.wrap";

function toggleRecord(event) {
  const body = event.target.closest(".record__body");
  const time = event.target.closest(".record__time[hx-get]") ?? (body && !String(getSelection()) ? body.parentElement.querySelector(".record__time[hx-get]") : null);
  if (!time || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const record = time.closest(".record");
  const detail = record.querySelector(".record__detail");
  const open = time.getAttribute("aria-expanded") === "true";
  time.setAttribute("aria-expanded", !open);
  record.classList.toggle("record--open", !open);
  if (open) {
    event.preventDefault();
    event.stopPropagation();
    detail.replaceChildren();
  } else if (!event.target.closest(".record__time")) {
    globalThis.htmx.ajax("GET", time.getAttribute("href"), { target: detail, swap: "innerHTML" });
  }
}

function applyWrap() {
  const wrapped = localStorage.getItem(WRAP) === "on";
  document.getElementById("records")?.classList.toggle("records--wrap", wrapped);
  document.querySelector("[data-wrap]")?.setAttribute("aria-pressed", wrapped);
  const live = document.querySelector("[data-live]");
  if (live) live.hidden = false;
}

// The address of this page with the times that it shows now.
export function absoluteAddress(address, start, end) {
  const url = new URL(address);
  url.searchParams.set("from", start);
  url.searchParams.set("to", end);
  return url.href;
}

function move(by) {
  const times = [...document.querySelectorAll("#records > .record > .record__time")];
  const now = document.activeElement?.closest("#records > .record")?.querySelector(".record__time");
  const next = times[Math.min(Math.max(now ? times.indexOf(now) + by : 0, 0), times.length - 1)];
  next?.focus();
  next?.closest(".record").scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

// Keys of this page; true if one was taken.
function key(name) {
  if (name === "j" || name === "k") return move(name === "j" ? 1 : -1);
  if (name === "x") {
    const time = document.activeElement?.closest("#records > .record")?.querySelector(".record__time");
    time?.click();
    return Boolean(time);
  }
  const live = document.querySelector("[data-live]");
  if (live && (name === "l" || (name === " " && live.getAttribute("aria-pressed") === "true"))) return live.click(), true;
  return false;
}

// Plain words complete themselves: suggestions come once there is a brace or a bracket.
class LogqlCompletion extends Completion {
  look() {
    return /[{(]/.test(this.area.value) ? super.look() : this.close();
  }
}

function startCompletion() {
  const field = document.querySelector("[data-log-complete]");
  if (field) new LogqlCompletion(field, field.dataset.logComplete);
}

export function startLogs() {
  if (!document.querySelector("[data-log-complete]")) return;
  document.addEventListener("click", toggleRecord, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-wrap]")) {
      localStorage.setItem(WRAP, localStorage.getItem(WRAP) === "on" ? "off" : "on");
      applyWrap();
    }
    if (event.target.closest("[data-share]")) {
      const { start, end } = document.getElementById("range").dataset;
      copyText(absoluteAddress(location.href, start, end), "Address copied, with absolute times");
    }
  });
  document.addEventListener("page:key", (event) => {
    if (key(event.detail)) event.preventDefault();
  });
  document.addEventListener("page:refreshed", applyWrap);
  applyWrap();
  startCompletion();
  startTail();
  startExport();
}
