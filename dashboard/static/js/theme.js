// Applies a chosen theme at once and keeps it with the account; the server renders it into <html>.

export function startTheme() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const theme = body.get("theme");
    document.documentElement.dataset.theme = theme;
    document.querySelector('meta[name="color-scheme"]').content = theme === "system" ? "light dark" : theme;
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === theme);
    document.dispatchEvent(new CustomEvent("theme:changed"));
    await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("theme:changed")),
  );
}
