// Ctrl/Cmd-K: go to a page or a service by a few of its letters.

let entries = null;
let shown = [];
let chosen = 0;

// Letters of `wanted` in order within `name`; lower is better, null is no match.
export function score(wanted, name) {
  const text = name.toLowerCase();
  const whole = text.indexOf(wanted);
  if (whole >= 0) return whole + text.length / 1000;
  let place = -1;
  let gaps = 0;
  for (const letter of wanted) {
    const next = text.indexOf(letter, place + 1);
    if (next < 0) return null;
    gaps += next - place - 1;
    place = next;
  }
  return 100 + gaps;
}

function render(list, input) {
  const wanted = input.value.trim().toLowerCase();
  shown = entries
    .map((entry) => ({ ...entry, score: wanted ? score(wanted, entry.name) : 0 }))
    .filter((entry) => entry.score !== null)
    .sort((one, other) => one.score - other.score)
    .slice(0, 30);
  chosen = 0;
  list.replaceChildren(
    ...shown.map((entry, index) => {
      const item = document.createElement("li");
      item.className = "palette__item";
      item.id = `palette-${index}`;
      item.role = "option";
      const name = document.createElement("span");
      name.textContent = entry.name;
      const kind = document.createElement("small");
      kind.textContent = entry.kind;
      item.append(name, kind);
      item.addEventListener("click", () => go(entry));
      return item;
    }),
  );
  if (!shown.length) {
    const none = document.createElement("li");
    none.className = "palette__item muted";
    none.textContent = "Nothing has these letters";
    list.replaceChildren(none);
  }
  mark(list, input);
}

function mark(list, input) {
  [...list.children].forEach((item, index) => item.setAttribute("aria-selected", index === chosen && shown.length > 0));
  input.setAttribute("aria-activedescendant", shown.length ? `palette-${chosen}` : "");
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function go(entry) {
  const range = document.body.dataset.range ?? "";
  location.assign(entry.href.includes("?") ? entry.href + range.replace("?", "&") : entry.href + range);
}

async function load(dialog) {
  if (entries) return;
  const answer = await fetch(dialog.dataset.index, { headers: { Accept: "application/json" } });
  entries = answer.ok ? (await answer.json()).entries : [];
}

export async function openPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog || dialog.open) return;
  const input = dialog.querySelector("input");
  input.value = "";
  dialog.showModal();
  await load(dialog);
  render(dialog.querySelector("ul"), input);
}

export function startPalette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("ul");
  input.addEventListener("input", () => entries && render(list, input));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && shown[chosen]) go(shown[chosen]);
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(shown.length, 1);
    mark(list, input);
  });
  document.addEventListener("click", (event) => event.target.closest('[data-open="palette"]') && openPalette());
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      openPalette();
    }
  });
}
