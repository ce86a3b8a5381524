// Selects marked [data-submit] send their form when they change.

export function startForms() {
  document.addEventListener("change", (event) => event.target.closest("[data-submit]")?.form?.requestSubmit());
}
