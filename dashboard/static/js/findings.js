// The security page: choose findings by mouse or keys, and decide about them together.

const ROWS = "tr[data-finding]";
const SECOND_MS = 1000;

function boxes(root, checked = "") {
  return [...root.querySelectorAll(`${ROWS} input[name=finding]${checked}`)];
}

// Says how many are chosen; a page that refreshes itself waits meanwhile.
function count() {
  const form = document.querySelector("[data-findings]");
  if (!form) return;
  const chosen = boxes(form, ":checked").length;
  const words = form.querySelector("[data-chosen]");
  if (words) words.textContent = chosen ? `${chosen} chosen` : "None chosen";
  form.toggleAttribute("data-hold-refresh", chosen > 0);
}

function change(event) {
  const box = event.target;
  if (!box.closest("[data-findings]")) return;
  if (box.matches("[data-choose-group]")) {
    for (const each of boxes(box.closest("tbody"))) each.checked = box.checked;
  }
  count();
}

function move(by) {
  const rows = [...document.querySelectorAll(ROWS)];
  const at = rows.indexOf(document.activeElement?.closest(ROWS));
  const row = rows[Math.min(Math.max(at === -1 ? 0 : at + by, 0), rows.length - 1)];
  const target = row?.querySelector("input[name=finding], summary");
  target?.focus();
  row?.scrollIntoView({ block: "center" });
  return Boolean(target);
}

// Keys of this page; true if one was taken.
function key(name) {
  if (name === "j" || name === "k") return move(name === "j" ? 1 : -1);
  if (name === "x") {
    const box = document.activeElement?.closest(ROWS)?.querySelector("input[name=finding]");
    box?.click();
    return Boolean(box);
  }
  if (name === "e") {
    const first = document.querySelector("[data-decide-first]");
    first?.focus();
    return Boolean(first);
  }
  return false;
}

function vanish() {
  for (const notice of document.querySelectorAll("[data-vanish]")) {
    setTimeout(() => notice.remove(), Number(notice.dataset.vanish) * SECOND_MS);
  }
}

export function startFindings() {
  vanish();
  if (!document.querySelector("[data-findings]")) return;
  document.addEventListener("change", change);
  document.addEventListener("page:refreshed", count);
  document.addEventListener("page:key", (event) => {
    if (key(event.detail)) event.preventDefault();
  });
  count();
}
