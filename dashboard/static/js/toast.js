// Short messages in the corner; a live region reads them out.

export function toast(text, kind = "info") {
  const box = document.getElementById("toasts");
  if (!box) return;
  const notice = document.createElement("div");
  notice.className = `notice notice--${kind}`;
  const words = document.createElement("p");
  words.className = "notice__text";
  words.textContent = text;
  notice.append(words);
  box.append(notice);
  setTimeout(() => notice.remove(), 5000);
}
