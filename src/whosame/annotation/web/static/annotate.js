// The annotation page: shows a pair, sends the answer until the server has committed it, shows the next pair.
import { showExemplars } from "./exemplars.js";
import { choosePictures, mirror, move, showPictures, stretch, zoomBy } from "./panes.js";

const $ = (id) => document.getElementById(id);
const [page, form, settings, guide] = [$("page"), $("answer"), $("settings"), $("guide")]; // guide: null without an instruction
const reading = () => document.querySelector("dialog[open]");
const buttons = document.querySelectorAll("[data-key]"); // same, unsure, different, undo, skip

// What the browser stores; without storage the page works too.
const [UNSENT, KEYS, GUIDE] = [`whosame.unsent.${page.dataset.name}`, "whosame.keys", `whosame.guide.${page.dataset.name}`];
function load(name) { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } }
function store(name, value) {
  try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* full, or not allowed */ }
}

function say(text, kind = "", link = "") {
  const words = Object.assign(document.createElement("span"), { textContent: text }); // a new element is read out again
  if (link) words.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: "Log in" }));
  $("status").className = kind;
  $("status").replaceChildren(words);
}

// ---- pictures, decoded before they are shown ----
const loaded = new Map(); // by lease: a promise of both pictures; null for one that cannot be shown

async function picture(side, token) {
  const image = Object.assign(new Image(), { alt: `${side} picture`, draggable: false, src: `/picture/${token}` });
  await image.decode();
  return image;
}

function preload(pair) {
  if (!loaded.has(pair.token)) {
    const sides = [picture("Left", pair.left), picture("Right", pair.right)];
    loaded.set(pair.token, Promise.allSettled(sides).then((both) => both.map((side) => side.value ?? null)));
  }
  return loaded.get(pair.token);
}

// ---- seconds since both pictures are shown, without the time in which the tab is hidden ----
const clock = { spent: 0, since: null };
const running = () => (clock.since === null ? 0 : performance.now() - clock.since);
const now = () => (document.hidden ? null : performance.now());
let unread = false; // the instruction is open, before the first answer
const beginAnswering = () => { // when it is closed; a key may come before the event does
  if (!unread || guide.open) return;
  unread = false;
  store(GUIDE, page.dataset.guide);
  Object.assign(clock, { spent: 0, since: now() });
};
const seconds = () => ((clock.spent + running()) / 1000).toFixed(3);
document.addEventListener("visibilitychange", () => {
  Object.assign(clock, { spent: clock.spent + running(), since: now() });
  if (!document.hidden && !sending) refresh(); // another tab, or the run, may have gone on
});

// ---- showing the server's content ----
let [shown, undoable] = ["", null]; // the lease whose pictures are on the screen; the answer that undo withdraws
let [broken, sending] = [false, false]; // a picture of the pair is missing; the server has not replied yet
let [poll, gap] = [0, 500]; // gap: ms until the next request for a pair

async function show(content, pressed = 0) {
  clearTimeout(poll);
  if (content.guide !== page.dataset.guide) return location.reload(); // another run, or another instruction
  if ((["paused", "stopped"].includes(content.state) ? content.state : "") !== page.dataset.pause) return location.reload();
  const pair = content.pairs[0] ?? null;
  const fresh = pair !== null && pair.token !== shown;
  for (const token of loaded.keys()) if (!content.pairs.some((each) => each.token === token)) loaded.delete(token);
  const pictures = fresh && await preload(pair);
  content.pairs.forEach(preload);
  page.dataset.state = content.state;
  if (fresh) {
    broken = pictures.includes(null);
    if (broken) loaded.delete(pair.token); // loaded again when it is shown again
    showExemplars(pair);
    showPictures(pictures, ["left", "right"].map((side) => `The ${side} picture cannot be shown: skip this pair.`));
    Object.assign(clock, { spent: 0, since: now() });
    if (pressed) requestAnimationFrame(() => performance.measure("answer", { start: pressed, end: performance.now() }));
  }
  shown = form.elements.token.value = pair?.token ?? "";
  undoable = content.undoable;
  for (const place of document.querySelectorAll(".progress, .counters")) place.hidden = !content.counters;
  for (const place of document.querySelectorAll("[data-counter]")) place.textContent = content.counters?.[place.dataset.counter];
  for (const figure of document.querySelectorAll("dd[data-counter]")) figure.parentElement.hidden = figure.textContent === "–";
  Object.assign($("progress"), { max: content.counters?.of || 1, value: content.counters?.done || 0 });
  for (const [id, text] of Object.entries({ run: content.run || "whosame", round: content.round, question: content.question, title: content.title, text: content.text })) {
    if ($(id).textContent !== text) $(id).textContent = text;
  }
  const title = `${content.question} · whosame`;
  if (document.title !== title) document.title = title;
  for (const button of buttons) {
    const key = button.dataset.key;
    button.disabled = key === "undo" ? !undoable : !pair || (broken && (key === "same" || key === "different"));
    button.classList.remove("chosen");
  }
  gap = pair ? 500 : Math.min(gap * 1.3, 2000);
  if (!pair) poll = setTimeout(refresh, gap);
}

// ---- requests ----
async function request(path, fields) {
  const body = fields && new URLSearchParams({ ...fields, csrf: page.dataset.csrf });
  const options = { method: fields ? "POST" : "GET", body, headers: { Accept: "application/json" } };
  const reply = await fetch(path, { ...options, signal: AbortSignal.timeout(10000) });
  if (reply.status >= 500 || reply.status === 429) throw new Error(reply.statusText);
  return { status: reply.status, content: reply.ok || reply.status === 409 ? await reply.json() : null };
}

async function refresh() {
  clearTimeout(poll);
  const reply = await request("/pairs").catch(() => null);
  if (sending) return;
  if (reply === null) {
    say("No connection. Trying again …", "lost");
    poll = setTimeout(refresh, 2000);
  } else {
    if ($("status").className === "lost") say("");
    if (reply.status === 401) say("You are logged out.", "lost", "/login");
    else if (reply.content) await show(reply.content);
  }
}

// One at a time. A request is stored until the server has replied, so that a reload sends it again; the server knows it by
// its lease or its answer, and acts on it once.
async function send(path, fields, pressed = 0) {
  sending = true;
  store(UNSENT, { path, fields });
  let reply = null;
  for (let wait = 500; reply === null; wait = Math.min(wait * 2, 5000)) {
    reply = await request(path, fields).catch(() => null);
    if (reply !== null) break;
    say("No connection. Your answer is kept here, and sent as soon as it is back.", "lost");
    await new Promise((again) => { setTimeout(again, wait); addEventListener("online", again, { once: true }); });
  }
  const { status, content } = reply;
  if (status === 401) say("You are logged out. Your answer is kept here until you are back.", "lost", "/login");
  else if (status === 403 && pressed) location.reload(); // the page is of an earlier login
  else if (status === 403) say("Your answer cannot be sent from this page. Load it again.", "lost");
  else {
    store(UNSENT, null);
    const done = { "/answer": `Saved: ${content?.saved}`, "/skip": "Skipped", "/undo": "Taken back" };
    if (content) {
      say(content.notice || done[path], content.refused ? "refused" : "saved");
      await show(content, pressed);
    }
    sending = false;
    if (!content) refresh();
  }
}

function act(what, pressed) {
  if (sending || reading() || [...buttons].find((button) => button.dataset.key === what).disabled) return;
  if (what === "undo") send("/undo", { event: undoable }, pressed);
  else if (what === "skip") send("/skip", { token: shown }, pressed);
  else {
    form.querySelector(`[value=${what}]`).classList.add("chosen");
    beginAnswering();
    send("/answer", { token: shown, verdict: what, seconds: seconds() }, pressed);
  }
}

for (const button of buttons) {
  button.addEventListener("click", (event) => {
    event.preventDefault(); // the form is for browsers without scripts
    act(button.dataset.key, event.timeStamp);
  });
}

// ---- keys: those of the two answers can be chosen; the buttons show them ----
const always = { u: "unsure", x: "skip", z: "undo", Backspace: "undo" };
const choices = {
  letters: { f: "same", j: "different", ...always },
  near: { s: "same", d: "different", ...always },
  arrows: { ArrowLeft: "same", ArrowRight: "different", ...always },
  none: {},
};
const views = {
  ...{ "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: () => zoomBy(0) },
  ...{ b: () => choosePictures("both"), 1: () => choosePictures(0), 2: () => choosePictures(1), m: mirror, c: stretch },
};
const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
let keys = {};

function choose(name) {
  keys = choices[name] ?? choices.letters;
  for (const button of buttons) {
    const key = Object.keys(keys).find((each) => keys[each] === button.dataset.key) ?? "";
    const mark = { ArrowLeft: "←", ArrowRight: "→" }[key] ?? key.toUpperCase();
    Object.assign(button.querySelector("kbd"), { textContent: mark, hidden: !key });
  }
  settings.querySelector(`[value=${keys === choices[name] ? name : "letters"}]`).checked = true;
}

document.addEventListener("keydown", (event) => {
  const { key, shiftKey } = event;
  if (event.repeat && event.target.dataset.key) event.preventDefault(); // a held Enter would press the button again and again
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || reading()) return;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const what = shiftKey ? null : keys[name];
  const moving = shiftKey && moves[key];
  const view = shown && keys !== choices.none && (moving ? () => move(...moving) : views[shiftKey ? key : name]);
  if (what || view) event.preventDefault();
  if (what && !event.repeat) act(what, event.timeStamp);
  else if (view && !(event.repeat && "mc".includes(name))) view();
});
settings.addEventListener("change", (event) => {
  choose(event.target.value);
  store(KEYS, event.target.value);
});

// ---- start ----
choose(load(KEYS) ?? "letters");
for (const [id, dialog] of [["open-settings", settings], ["open-guide", guide]]) {
  if (!dialog) continue;
  $(id).hidden = false;
  $(id).addEventListener("click", () => dialog.showModal());
}
if (guide && load(GUIDE) !== page.dataset.guide) { // once, before the first answer
  guide.showModal();
  guide.scrollTop = 0; // not at its button, which has the focus
  unread = true;
  guide.addEventListener("close", beginAnswering);
}
const unsent = load(UNSENT);
if (unsent) send(unsent.path, unsent.fields);
else show(JSON.parse(page.dataset.content));
