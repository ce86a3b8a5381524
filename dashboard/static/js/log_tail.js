// Live records by server-sent events: pauses while the page is hidden, keeps a bounded number of rows.
const MOST_ROWS = 1000;
const SAY_MS = 5000;
let source = null;
let wanted = false;
let dropped = 0;
let arrived = 0;
let said = 0;

function say(words) {
  const line = document.getElementById("log-live");
  if (!line) return;
  line.hidden = !words;
  line.textContent = words;
}

function words() {
  const missing = dropped ? `; ${dropped.toLocaleString("en-US")} more came too fast to show` : "";
  return `Live: ${arrived.toLocaleString("en-US")} new record${arrived === 1 ? "" : "s"}${missing}`;
}

function show(look) {
  const rows = [...new DOMParser().parseFromString(look.html, "text/html").querySelectorAll("ol > li")];
  const records = document.getElementById("records");
  dropped += look.dropped;
  arrived += rows.length;
  if (rows.length) {
    document.getElementById("records-empty")?.remove();
    for (const row of rows) row.classList.add("record--new");
    records.prepend(...rows);
    for (const row of rows) globalThis.htmx.process(row);
    while (records.children.length > MOST_ROWS) records.lastElementChild.remove();
  }
  if (Date.now() - said > SAY_MS || arrived === rows.length) {
    said = Date.now();
    say(words());
  }
}

function connect(button) {
  source = new EventSource(button.dataset.live);
  source.addEventListener("message", (event) => show(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) {
      stop(button);
      say("Live records stopped: the server did not go on. Load the page again to see why.");
    } else say("Connection lost; trying again");
  });
  source.addEventListener("open", () => say(words()));
}

function disconnect() {
  source?.close();
  source = null;
}

function stop(button) {
  wanted = false;
  disconnect();
  button.setAttribute("aria-pressed", "false");
  button.querySelector("span").textContent = "Live";
  delete button.dataset.holdRefresh;
  say(arrived || dropped ? `Paused. ${words()}` : "");
}

function start(button) {
  wanted = true;
  arrived = dropped = said = 0;
  button.setAttribute("aria-pressed", "true");
  button.querySelector("span").textContent = "Pause";
  button.dataset.holdRefresh = "";
  connect(button);
}

export function startTail() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-live]");
    if (button) wanted ? stop(button) : start(button);
  });
  document.addEventListener("visibilitychange", () => {
    const button = document.querySelector("[data-live]");
    if (!wanted || !button) return;
    if (document.hidden) {
      disconnect();
      say("Paused while the page was hidden");
    } else connect(button);
  });
}
