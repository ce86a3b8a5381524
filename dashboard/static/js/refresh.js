// Loads the page again in the background and swaps the parts marked [data-refresh] by their id.
// Pauses while the page is hidden, a menu or dialog is open, text is selected or a field in a part has the focus.
import { toast } from "./toast.js";

const STORED = "belvedere.refresh-seconds";
let timer = null;
let last = Date.now();
let running = false;

function busy() {
  if (document.hidden || document.querySelector("dialog[open], details.menu[open], [data-hold-refresh]")) return true;
  if (String(getSelection() ?? "")) return true;
  return Boolean(document.activeElement?.closest("[data-refresh]")?.matches(":has(:focus:is(input, select, textarea))"));
}

export async function refreshNow() {
  if (running) return;
  running = true;
  const label = document.querySelector("[data-reload]");
  label?.classList.add("is-updating");
  try {
    const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) return location.reload();
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    last = Date.now();
  } catch (error) {
    toast(`Not updated: ${error.message}`, "warn");
  } finally {
    running = false;
    label?.classList.remove("is-updating");
    note();
  }
}

function swap(page) {
  for (const old of document.querySelectorAll("[data-refresh][id]")) {
    const fresh = page.getElementById(old.id);
    if (!fresh || fresh.isEqualNode(old)) continue;
    if (old.dataset.refresh === "figure" && old.querySelector("[data-figure]") && fresh.querySelector("[data-figure]")) {
      // the drawn figure stays and takes the new numbers
      old.querySelector("script").textContent = fresh.querySelector("script").textContent;
      old.querySelector("[data-figure]").setAttribute("aria-label", fresh.querySelector("[data-figure]").getAttribute("aria-label"));
      continue;
    }
    old.replaceWith(document.adoptNode(fresh));
    globalThis.htmx?.process(fresh);
  }
  const range = page.getElementById("range");
  if (range) Object.assign(document.getElementById("range").dataset, range.dataset);
  document.dispatchEvent(new CustomEvent("page:refreshed"));
}

function note() {
  const words = document.querySelector("[data-refresh-note]");
  if (words) words.textContent = `Last update ${new Date(last).toISOString().slice(11, 19)} UTC`;
}

function every(seconds) {
  clearInterval(timer);
  timer = seconds ? setInterval(() => busy() || refreshNow(), seconds * 1000) : null;
  const label = document.querySelector("[data-refresh-label]");
  label.textContent = seconds ? (seconds < 60 ? `${seconds} s` : `${seconds / 60} min`) : "Off";
  for (const button of document.querySelectorAll("[data-every]")) {
    button.setAttribute("aria-pressed", Number(button.dataset.every) === seconds);
  }
}

export function startRefresh() {
  const menu = document.querySelector("[data-refresh-menu]");
  if (!menu) return;
  document.querySelector("[data-reload]").addEventListener("click", (event) => {
    event.preventDefault();
    refreshNow();
  });
  if (menu.hidden) return;
  menu.addEventListener("click", (event) => {
    const button = event.target.closest("[data-every]");
    if (!button) return;
    localStorage.setItem(STORED, button.dataset.every);
    every(Number(button.dataset.every));
    menu.open = false;
  });
  document.addEventListener("visibilitychange", () => {
    if (timer && !document.hidden && !busy()) refreshNow();
  });
  every(Number(localStorage.getItem(STORED) ?? 30));
  note();
}
