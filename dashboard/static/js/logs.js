// The logs page: open and close a record, wrap lines, show new records as they arrive.
import { toast } from "./toast.js";

const WRAP = "belvedere.wrap";
const POLL_MS = 2000;
const MOST_ROWS = 1000;
let timer = null;

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

async function poll(button) {
  if (document.hidden) return;
  const address = new URL(button.dataset.live, location.href);
  address.searchParams.set("after", button.dataset.cursor);
  address.searchParams.set("to", "now");
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) {
    stop(button);
    toast(`Live records stopped: the server answered ${answer.status}`, "warn");
    return;
  }
  const list = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("ol");
  button.dataset.cursor = list.dataset.cursor;
  const rows = [...list.children];
  if (!rows.length) return;
  const records = document.getElementById("records");
  document.getElementById("records-empty")?.remove();
  for (const row of rows) row.classList.add("record--new");
  records.prepend(...rows);
  globalThis.htmx.process(records);
  while (records.children.length > MOST_ROWS) records.lastElementChild.remove();
  const total = document.getElementById("log-total");
  total.textContent = (Number(total.textContent.replaceAll(",", "")) + rows.length).toLocaleString("en-US");
}

function stop(button) {
  clearInterval(timer);
  timer = null;
  button.setAttribute("aria-pressed", "false");
  button.querySelector("span").textContent = "Live";
  delete button.dataset.holdRefresh;
}

function start(button) {
  button.setAttribute("aria-pressed", "true");
  button.querySelector("span").textContent = "Pause";
  button.dataset.holdRefresh = "";
  const run = () => poll(button).catch(() => {});
  timer = setInterval(run, POLL_MS);
  run();
}

export function startLogs() {
  document.addEventListener("click", toggleRecord, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-wrap]")) {
      localStorage.setItem(WRAP, localStorage.getItem(WRAP) === "on" ? "off" : "on");
      applyWrap();
    }
    const live = event.target.closest("[data-live]");
    if (live) timer ? stop(live) : start(live);
  });
  document.addEventListener("page:refreshed", applyWrap);
  if (document.getElementById("log-records")) applyWrap();
}
