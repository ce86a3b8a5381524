// Keeps "12 s ago" true while the page stays open.

export function ageWords(seconds) {
  const span = Math.abs(seconds);
  if (span < 2) return "now";
  const [length, unit] = span < 100 ? [1, "s"] : span < 6000 ? [60, "min"] : span < 129600 ? [3600, "h"] : [86400, "d"];
  const words = `${Math.floor(span / length)} ${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

export function startAges() {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time.ago")) {
      const words = ageWords((Date.now() - Date.parse(element.dateTime)) / 1000);
      if (element.textContent !== words) element.textContent = words;
    }
  }, 1000);
}
