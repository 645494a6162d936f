// The overview: it refreshes itself while no control is in use; a key settles a disputed pair.
"use strict";

const main = document.querySelector("main");

async function refresh() {
  const busy = document.hidden || main.contains(document.activeElement) || main.querySelector(":hover:is(button, a)");
  if (busy) return;
  try {
    const reply = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10000) });
    if (!reply.ok || reply.redirected) return location.reload(); // logged out: the server redirects to the login
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("main");
    if (fresh && fresh.innerHTML !== main.innerHTML) main.replaceChildren(...fresh.childNodes);
  } catch { /* no connection: try again next time */ }
}
if (main.dataset.refresh) setInterval(refresh, 1000 * main.dataset.refresh);

// The keys that were chosen on the annotation page.
const presets = {
  letters: { f: "same", j: "different", u: "unsure" },
  near: { s: "same", d: "different", u: "unsure" },
  arrows: { ArrowLeft: "same", ArrowRight: "different", u: "unsure" },
  none: {},
};
const marks = { ArrowLeft: "←", ArrowRight: "→" };
function chosen() {
  try { return JSON.parse(localStorage.getItem("whosame.keys")); } catch { return null; }
}
const keys = presets[chosen()] ?? presets.letters;
const buttons = [...document.querySelectorAll("[data-settle]")];
for (const button of buttons) {
  const key = Object.keys(keys).find((each) => keys[each] === button.dataset.settle);
  if (!key) continue;
  const mark = button.querySelector("kbd");
  mark.hidden = false;
  mark.textContent = marks[key] ?? key.toUpperCase();
  button.setAttribute("aria-keyshortcuts", key);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat || event.isComposing) return;
  const wanted = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const button = wanted && buttons.find((each) => each.dataset.settle === wanted);
  if (button) {
    event.preventDefault();
    button.click();
  }
});
for (const form of document.querySelectorAll("form.answers")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault(); // a double click is one decision
    sent = true;
  });
}
