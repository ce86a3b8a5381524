// A copy button on every command, and `data-copy="text"` on any button.
import { toast } from "./toast.js";

const ICON =
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" aria-hidden="true"><path d="M9 9h11v11H9zM5 15H4V4h11v1"/></svg>';

export async function copyText(text, done = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    toast(done, "ok");
  } catch {
    toast("The browser does not let this page write to the clipboard", "warn");
  }
}

function addButtons(root) {
  for (const command of root.querySelectorAll(".command:not([data-copyable])")) {
    command.dataset.copyable = "";
    const text = command.textContent.trim();
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--quiet button--icon button--small command__copy";
    button.title = "Copy";
    button.setAttribute("aria-label", "Copy this command");
    button.dataset.copy = text;
    button.innerHTML = ICON;
    command.append(button);
  }
}

export function startCopy() {
  addButtons(document);
  document.addEventListener("htmx:load", (event) => addButtons(event.target));
  document.addEventListener("page:refreshed", () => addButtons(document));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copyText(button.dataset.copy);
  });
}
