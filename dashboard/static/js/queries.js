// The metrics explorer: completion at the caret, more queries, Enter to run, filter of the list of metrics.

const IDENTIFIER = /[a-zA-Z_:][\w:]*$/;
let request = 0;

// What stands before the caret: { kind, text, metric, label }, or null where nothing can be completed.
export function contextAt(before) {
  const open = before.lastIndexOf("{");
  if (open > before.lastIndexOf("}")) {
    const metric = IDENTIFIER.exec(before.slice(0, open).trimEnd())?.[0] ?? "";
    const inside = before.slice(open + 1);
    const value = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)$/.exec(inside);
    if (value) return { kind: "value", metric, label: value[1], text: value[2] };
    const label = /(?:^|,)\s*([a-zA-Z_]\w*)?$/.exec(inside);
    return label ? { kind: "label", metric, text: label[1] ?? "" } : null;
  }
  const grouping = /\b(?:by|without|on|ignoring)\s*\(([^)]*)$/.exec(before);
  if (grouping) return { kind: "label", metric: "", text: /(\w*)$/.exec(grouping[1])[1] };
  if (/\[[^\]]*$|"[^"]*$/.test(before.replace(/"[^"]*"/g, ""))) return null;
  const word = IDENTIFIER.exec(before);
  return word && word[0].length > 1 ? { kind: "metric", text: word[0] } : null;
}

export class Completion {
  constructor(area, address) {
    this.area = area;
    this.address = address;
    this.list = document.createElement("ul");
    this.list.className = "completions";
    this.list.role = "listbox";
    this.list.id = `${area.id}-completions`;
    this.list.hidden = true;
    area.setAttribute("aria-controls", this.list.id);
    area.after(this.list);
    area.addEventListener("input", () => this.look());
    area.addEventListener("keydown", (event) => this.key(event));
    area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) this.take([...this.list.children].indexOf(item));
    });
  }

  async look() {
    this.context = contextAt(this.area.value.slice(0, this.area.selectionStart));
    if (!this.context) return this.close();
    const mine = ++request;
    const query = new URLSearchParams({ ...this.context, ...this.range() });
    const answer = await fetch(`${this.address}?${query}`);
    if (mine !== request || !answer.ok) return;
    const { suggestions } = await answer.json();
    if (!suggestions.length || (suggestions.length === 1 && suggestions[0].text === this.context.text)) return this.close();
    this.show(suggestions);
  }

  range() {
    const query = new URLSearchParams(location.search);
    return Object.fromEntries(["from", "to"].filter((name) => query.get(name)).map((name) => [name, query.get(name)]));
  }

  show(suggestions) {
    this.suggestions = suggestions;
    this.list.replaceChildren(
      ...suggestions.map((one, index) => {
        const item = document.createElement("li");
        item.role = "option";
        item.id = `${this.list.id}-${index}`;
        const text = document.createElement("span");
        text.className = "mono";
        text.textContent = one.text;
        const detail = document.createElement("small");
        detail.textContent = one.detail;
        item.append(text, detail);
        return item;
      }),
    );
    this.list.hidden = false;
    this.mark(0);
  }

  mark(place) {
    this.place = place;
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-selected", index === place));
    this.list.children[place].scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", `${this.list.id}-${place}`);
  }

  close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }

  take(place) {
    const { text } = this.suggestions[place];
    const caret = this.area.selectionStart;
    const start = caret - this.context.text.length;
    const escaped = this.context.kind === "value" ? text.replaceAll("\\", "\\\\").replaceAll('"', '\\"') : text;
    this.area.setRangeText(escaped, start, caret, "end");
    this.close();
    this.area.focus();
  }

  key(event) {
    if (!this.list.hidden) {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (move) {
        event.preventDefault();
        return this.mark((this.place + move + this.suggestions.length) % this.suggestions.length);
      }
      if (event.key === "Tab" || (event.key === "Enter" && !event.ctrlKey && !event.metaKey)) {
        event.preventDefault();
        return this.take(this.place);
      }
      if (event.key === "Escape") {
        event.preventDefault(); // a search field would be emptied
        event.stopPropagation();
        return this.close();
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.area.form.requestSubmit();
    }
  }
}

function addQuery(form) {
  const rows = form.querySelectorAll("[data-query]");
  const row = rows[rows.length - 1].cloneNode(true);
  const area = row.querySelector("textarea");
  row.querySelector(".completions")?.remove();
  area.value = "";
  area.id = `query-${rows.length + 1}`;
  row.querySelector("label").htmlFor = area.id;
  row.querySelector("label").textContent = rows.length + 1;
  rows[rows.length - 1].after(row);
  new Completion(area, form.dataset.complete);
  area.focus();
}

function removeQuery(form, row) {
  if (form.querySelectorAll("[data-query]").length > 1) row.remove();
  else row.querySelector("textarea").value = "";
  form.requestSubmit();
}

function filterRows(field) {
  const wanted = field.value.trim().toLowerCase();
  for (const row of document.querySelector(field.dataset.filterRows).tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
}

export function startQueries() {
  const field = document.querySelector("[data-filter-rows]");
  field?.addEventListener("input", () => filterRows(field));
  const form = document.querySelector("[data-queries]");
  if (!form) return;
  for (const area of form.querySelectorAll("textarea")) new Completion(area, form.dataset.complete);
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-query]")) addQuery(form);
    const remove = event.target.closest("[data-remove-query]");
    if (remove) removeQuery(form, remove.closest("[data-query]"));
  });
}
