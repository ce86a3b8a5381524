// Single keys and two-key sequences. They can be switched off, and never act while someone types.
import { openDialog } from "./menus.js";
import { copyRange, pasteRange } from "./range.js";

const STORED = "belvedere.single-keys";
const SEQUENCE_MS = 1200;
let pending = null;

function typing(target) {
  return target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]") !== null;
}

function press(selector) {
  const element = document.querySelector(selector);
  element?.click();
  return Boolean(element);
}

function second(first, key) {
  if (first === "g") return press(`[data-page-key="${CSS.escape(key)}"]`);
  if (key === "c") return copyRange(), true;
  if (key === "v") return pasteRange(), true;
  if (key === "t") {
    const menu = document.querySelector("[data-range-menu]");
    if (menu) {
      menu.open = true;
      menu.querySelector("input[name=from]").select();
    }
    return Boolean(menu);
  }
  return false;
}

function single(key) {
  if (key === "g" || key === "t") {
    pending = { key, until: Date.now() + SEQUENCE_MS };
    return true;
  }
  if (key === "?") return openDialog("keys"), true;
  if (key === "/") {
    const field = document.querySelector("[data-search]");
    field?.focus();
    field?.select();
    return Boolean(field);
  }
  // a page with keys of its own says that it took one by preventing the event
  if (!document.dispatchEvent(new CustomEvent("page:key", { detail: key, cancelable: true }))) return true;
  return press(`#range [data-key="${CSS.escape(key)}"]`);
}

export function startKeys() {
  const box = document.querySelector("[data-single-keys]");
  if (!box) return;
  box.checked = localStorage.getItem(STORED) !== "off";
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !box.checked || typing(event.target)) return;
    // arrows move inside a focused figure or list first
    if (event.key.startsWith("Arrow") && event.target.closest("[data-figure], [data-arrows]")) return;
    const first = pending && pending.until > Date.now() ? pending.key : null;
    pending = null;
    if (first ? second(first, event.key) : single(event.key)) event.preventDefault();
  });
}
