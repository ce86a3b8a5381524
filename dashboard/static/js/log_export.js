// Export with progress: reads the download as it comes, counts its lines, and can be cancelled.
import { toast } from "./toast.js";

const MOST = 1_000_000;
const NEWLINE = 10;
let running = null;

function lines(bytes) {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function element(name) {
  return document.getElementById(`log-export${name}`);
}

function progress(done, total, bytes) {
  element("-progress").max = Math.max(total, 1);
  element("-progress").value = Math.min(done, total);
  element("-words").textContent = `${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} records, ${(bytes / 1e6).toFixed(1)} MB`;
}

function save(parts, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function download(link) {
  running = new AbortController();
  const total = Math.min(Number(document.getElementById("log-total").textContent.replaceAll(",", "")), MOST);
  element("").hidden = false;
  progress(0, total, 0);
  try {
    const answer = await fetch(link.href, { signal: running.signal });
    if (!answer.ok || answer.redirected) throw new Error(`the server answered ${answer.status}`);
    // parts are put together now and then: the browser may keep a Blob on disk
    let kept = new Blob([]);
    let parts = [];
    let [done, bytes, waiting] = [0, 0, 0];
    const reader = answer.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parts.push(piece.value);
      done += lines(piece.value);
      bytes += piece.value.length;
      waiting += piece.value.length;
      if (waiting > 8e6) {
        kept = new Blob([kept, ...parts]);
        [parts, waiting] = [[], 0];
      }
      progress(done, total, bytes);
    }
    save([kept, ...parts], link.dataset.export, answer.headers.get("Content-Type"));
    toast(`Exported ${done.toLocaleString("en-US")} lines`, "ok");
  } catch (error) {
    toast(error.name === "AbortError" ? "Export cancelled" : `Export failed: ${error.message}`, error.name === "AbortError" ? "info" : "warn");
  } finally {
    running = null;
    element("").hidden = true;
  }
}

export function startExport() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-export]");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      link.closest("details").open = false;
      if (!running) download(link);
    }
    if (event.target.closest("[data-export-cancel]")) running?.abort();
  });
}
