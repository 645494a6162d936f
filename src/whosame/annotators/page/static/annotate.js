// Two pictures, one key, an answer that is never lost: sent until the server has committed it, then the next pair.
"use strict";

const $ = (id) => document.getElementById(id);
const desk = $("desk"), stage = $("stage"), form = $("answer");
const pause = (ms) => new Promise((go) => {
  setTimeout(go, ms);
  addEventListener("online", go, { once: true });
});

// What is kept in the browser. A browser that keeps nothing still answers.
const kept = {
  unsent: `whosame.unsent.${desk.dataset.name}`,
  keys: "whosame.keys",
  read(name) { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } },
  write(name, value) { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* full or forbidden */ } },
  remove(name) { try { localStorage.removeItem(name); } catch { /* forbidden */ } },
};

// ---- what is said ----

let quiet = 0;
function say(text, kind = "") {
  clearTimeout(quiet);
  $("status").textContent = text;
  $("status").className = kind;
  if (kind === "saved") quiet = setTimeout(() => { $("status").classList.add("old"); }, 1500);
}

// ---- pictures: decoded before they are wanted ----

const loaded = new Map(); // by hold: a promise of both pictures, or of null where one cannot be shown

async function picture(handle, alt) {
  const image = new Image();
  image.alt = alt;
  image.draggable = false;
  image.src = `/picture/${handle}`;
  await image.decode();
  return image;
}

function load(pair) {
  if (!loaded.has(pair.token)) {
    const both = [picture(pair.left, "Left picture"), picture(pair.right, "Right picture")];
    loaded.set(pair.token, Promise.allSettled(both).then((sides) => sides.map((side) => side.value ?? null)));
  }
  return loaded.get(pair.token);
}

function placeholder(side) {
  const note = document.createElement("p");
  note.textContent = `The ${side} picture cannot be shown. Skip this pair.`;
  return note;
}

// ---- time: from both pictures painted, while somebody can see them ----

const clock = { spent: 0, since: null };
function startClock() {
  clock.spent = 0;
  clock.since = document.hidden ? null : performance.now();
}
function seconds() {
  return (clock.spent + (clock.since === null ? 0 : performance.now() - clock.since)) / 1000;
}
document.addEventListener("visibilitychange", () => {
  clock.spent = seconds() * 1000;
  clock.since = document.hidden ? null : performance.now();
  if (!document.hidden && !sending) look(); // another tab or the loop may have moved on
});

// ---- showing what the server says ----

let shown = null; // the hold whose pictures are on the screen
let broken = false; // whether one of them is missing
let last = null; // the answer that undo takes back
let sending = false;
let poll = 0, gap = 500;

async function show(view, pressed = 0) {
  clearTimeout(poll);
  const [pair] = view.pairs;
  for (const token of loaded.keys()) if (!view.pairs.some((other) => other.token === token)) loaded.delete(token);
  const pictures = pair && await load(pair);
  last = view.last;
  $("run").textContent = view.run || "whosame";
  $("round").textContent = view.round;
  for (const place of document.querySelectorAll("[data-figure]")) {
    place.textContent = view.figures?.[place.dataset.figure] ?? "–";
  }
  $("progress").max = view.figures?.of || 1;
  $("progress").value = view.figures?.done || 0;
  $("why").textContent = view.title;
  $("why-text").textContent = view.text;
  desk.dataset.why = view.why;
  $("pair").hidden = !pair;
  $("waiting").hidden = Boolean(pair);
  if (pair && pair.token !== shown) {
    form.elements.token.value = pair.token;
    ["left", "right"].forEach((side, i) => $(side).replaceChildren(pictures[i] ?? placeholder(side)));
    broken = pictures.includes(null);
    if (broken) loaded.delete(pair.token); // tried again the next time it is shown
    zoomBy(0);
    startClock();
  }
  shown = pair?.token ?? null;
  for (const button of form.querySelectorAll("button")) {
    button.disabled = broken && button.value !== "unsure";
    button.classList.remove("chosen");
  }
  document.querySelector("[data-key=skip]").disabled = !pair;
  document.querySelector("[data-key=undo]").disabled = !last;
  view.pairs.forEach(load);
  if (!pair) {
    poll = setTimeout(look, gap);
    gap = Math.min(gap * 1.3, 2000);
  } else gap = 500;
  if (pressed) requestAnimationFrame(() => performance.measure("answer", { start: pressed, end: performance.now() }));
}

// ---- talking to the server ----

async function ask(path, fields) {
  const body = fields && new URLSearchParams({ ...fields, csrf: desk.dataset.csrf });
  const headers = { Accept: "application/json" };
  const reply = await fetch(path, { method: fields ? "POST" : "GET", body, headers, signal: AbortSignal.timeout(10000) });
  if (reply.status >= 500 || reply.status === 429) throw new Error(reply.statusText);
  return { status: reply.status, view: reply.ok || reply.status === 409 ? await reply.json() : null };
}

async function look() {
  clearTimeout(poll);
  try {
    const { status, view } = await ask("/pairs");
    if (sending) return;
    if (view) await show(view);
    else if (status === 401) loggedOut();
    if ($("status").className === "lost") say("");
  } catch {
    if (sending) return;
    say("No connection. Trying again …", "lost");
    poll = setTimeout(look, 2000);
  }
}

function loggedOut() {
  say("You are logged out. Open your login link again: ", "lost");
  const link = document.createElement("a");
  link.href = "/login";
  link.textContent = "log in";
  $("status").append(link);
}

// One request at a time. It is kept until the server has said what became of it, so a reload sends it again; the
// server knows it by its hold or its event, so it counts once.
async function send(path, fields, pressed = 0) {
  if (sending) return;
  sending = true;
  kept.write(kept.unsent, { path, fields });
  let reply = null;
  for (let wait = 500; reply === null; wait = Math.min(wait * 2, 5000)) {
    try {
      reply = await ask(path, fields);
    } catch {
      say("No connection. Your answer is kept here and sent as soon as it is back.", "lost");
      await pause(wait);
    }
  }
  const { status, view } = reply;
  if (status === 401) loggedOut();
  else if (status === 403) location.reload(); // the page is older than the server's keys
  else {
    kept.remove(kept.unsent);
    if (view) {
      if (view.refused) say(view.notice, "refused");
      else say({ "/answer": `Saved: ${view.saved}`, "/skip": "Skipped", "/undo": "Taken back" }[path], "saved");
      await show(view, pressed);
    }
  }
  sending = false;
  if (!view && status !== 401) look();
}

function act(what, pressed) {
  if (sending || $("settings").open) return;
  if (what === "undo") {
    if (last) send("/undo", { event: last }, pressed);
  } else if (shown && what === "skip") {
    send("/skip", { token: shown }, pressed);
  } else if (shown && !(broken && what !== "unsure")) {
    form.querySelector(`[value=${what}]`).classList.add("chosen");
    send("/answer", { token: shown, verdict: what, seconds: seconds().toFixed(3) }, pressed);
  }
}

for (const button of document.querySelectorAll("[data-key]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    act(button.dataset.key, event.timeStamp);
  });
}

// ---- keys ----

const others = { u: "unsure", x: "skip", z: "undo", Backspace: "undo" };
const presets = {
  letters: { f: "same", j: "different", ...others },
  near: { s: "same", d: "different", ...others },
  arrows: { ArrowLeft: "same", ArrowRight: "different", ...others },
  none: {},
};
const marks = { ArrowLeft: "←", ArrowRight: "→" };
let keys = presets.letters;

function choose(name) {
  keys = presets[name] ?? presets.letters;
  for (const button of document.querySelectorAll("[data-key]")) {
    const key = Object.keys(keys).find((each) => keys[each] === button.dataset.key);
    const mark = button.querySelector("kbd");
    mark.hidden = !key;
    mark.textContent = key ? marks[key] ?? key.toUpperCase() : "";
    if (key) button.setAttribute("aria-keyshortcuts", key);
    else button.removeAttribute("aria-keyshortcuts");
  }
}

document.addEventListener("keydown", (event) => {
  const { key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || $("settings").open) return;
  if (event.repeat && event.target.dataset?.key) event.preventDefault(); // Enter held on a button would click on and on
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (keys[name] && !event.shiftKey && !event.repeat) {
    event.preventDefault();
    act(keys[name], event.timeStamp);
  } else if (shown && keys !== presets.none && (key in zoomKeys || (event.shiftKey && key in moveKeys))) {
    event.preventDefault();
    if (key in zoomKeys) zoomBy(zoomKeys[key]);
    else move(...moveKeys[key]);
  }
});

const chosen = kept.read(kept.keys) ?? "letters";
choose(chosen);
$("settings").querySelector(`[value=${presets[chosen] ? chosen : "letters"}]`).checked = true;
$("open-settings").hidden = false;
$("open-settings").addEventListener("click", () => $("settings").showModal());
$("settings").addEventListener("change", (event) => {
  choose(event.target.value);
  kept.write(kept.keys, event.target.value);
});

// ---- zoom: both pictures in step, by wheel, fingers, buttons and keys ----

const zoom = { by: 1, x: 0, y: 0 };
const zoomKeys = { "+": 1.25, "=": 1.25, "-": 0.8, 0: 0 };
const moveKeys = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
const fingers = new Map();

function move(dx, dy) {
  const limit = (side) => ((zoom.by - 1) * side) / 2;
  const { clientWidth, clientHeight } = $("left");
  zoom.x = Math.max(-limit(clientWidth), Math.min(limit(clientWidth), zoom.x + dx));
  zoom.y = Math.max(-limit(clientHeight), Math.min(limit(clientHeight), zoom.y + dy));
  stage.style.setProperty("--zoom", zoom.by);
  stage.style.setProperty("--x", `${zoom.x}px`);
  stage.style.setProperty("--y", `${zoom.y}px`);
  stage.classList.toggle("zoomed", zoom.by > 1);
  $("zoom-level").textContent = `${Math.round(zoom.by * 100)}%`;
}

function zoomBy(factor, x = 0, y = 0) { // x, y: from the middle of a picture, what stays where it is
  const by = Math.max(1, Math.min(10, zoom.by * factor));
  const grown = by / zoom.by;
  zoom.by = by;
  move((x - zoom.x) * (1 - grown), (y - zoom.y) * (1 - grown));
}

function fromMiddle(figure, x, y) {
  const box = figure.getBoundingClientRect();
  return [x - box.left - box.width / 2, y - box.top - box.height / 2];
}

for (const figure of [$("left"), $("right")]) {
  figure.addEventListener("wheel", (event) => {
    if (event.ctrlKey) return; // the browser's own zoom
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 400), ...fromMiddle(figure, event.clientX, event.clientY));
  }, { passive: false });
  figure.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    figure.setPointerCapture(event.pointerId);
  });
  figure.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers.values()].find((each) => each.pointerId !== event.pointerId);
    fingers.set(event.pointerId, event);
    if (!other) return move(event.clientX - before.clientX, event.clientY - before.clientY);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const [x, y] = [(event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2];
    zoomBy(apart(event) / apart(before), ...fromMiddle(figure, x, y));
  });
  for (const end of ["pointerup", "pointercancel"]) figure.addEventListener(end, (event) => fingers.delete(event.pointerId));
  figure.addEventListener("dblclick", (event) => zoomBy(zoom.by > 1 ? 0 : 2.5, ...fromMiddle(figure, event.clientX, event.clientY)));
}
$("zoom").hidden = false;
$("zoom-in").addEventListener("click", () => zoomBy(1.25));
$("zoom-out").addEventListener("click", () => zoomBy(0.8));

// ---- begin ----

const unsent = kept.read(kept.unsent);
if (unsent) send(unsent.path, unsent.fields);
else show(JSON.parse(desk.dataset.view));
