// The review: one identity as a sheet; ticks, similar identities, names and undo are sent, and the next sheet comes.
import { Pictures } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const main = $("review");
let content = JSON.parse(main.dataset.content);
let [reference, busy] = ["", false]; // the token of the marked image; a request is on its way

function say(text, wrong = false) {
  $("status").className = wrong ? "wrong" : "";
  $("status").replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
}

// ---- pictures, kept as elements: those of the next sheet are loaded while this one is looked at ----
const pictures = new Pictures((tokens) => `/review/thumbnails?run=${content.run}&tokens=${tokens.join("+")}`);
const wide = (token) => `/review/picture/${token}?run=${content.run}`;
const tokensOf = ({ sheet }) => [...sheet.images.map(({ token }) => token), ...sheet.suggestions.flatMap(({ tokens }) => tokens)];

// ---- seconds since the sheet is shown, without the time in which the tab is hidden ----
const clock = { spent: 0, since: performance.now() };
const running = () => (clock.since === null ? 0 : performance.now() - clock.since);
const seconds = () => ((clock.spent + running()) / 1000).toFixed(3);
document.addEventListener("visibilitychange", () => Object.assign(clock, { spent: clock.spent + running(), since: document.hidden ? null : performance.now() }));

// ---- the sheet ----
function tile(tokens, label, hint) {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  [button.dataset.token] = tokens;
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", label);
  button.append(...tokens.map((token) => pictures.of(token)));
  if (hint) button.append(Object.assign(document.createElement("span"), { className: "label", textContent: hint }));
  return button;
}

function mark(button) {
  for (const each of $("images").children) {
    const marked = each === button;
    each.classList.toggle("marked", marked);
    if (marked) each.setAttribute("aria-pressed", "false");
    each.setAttribute("aria-label", marked ? "The marked image" : each.dataset.label);
  }
  reference = button.dataset.token;
  $("as").replaceChildren("the marked image");
  count();
}

function show(fresh, pressed = 0) {
  content = fresh;
  const { sheet } = content;
  if (!sheet) return location.reload();
  Object.assign(clock, { spent: 0, since: document.hidden ? null : performance.now() });
  history.replaceState(null, "", `?run=${content.run}#${sheet.identity}`);
  $("title").replaceChildren(sheet.name, " ", Object.assign(document.createElement("small"), { textContent: `${sheet.size} images · ${sheet.position} of ${sheet.total}` }));
  document.querySelector(".progress").hidden = false;
  Object.assign($("progress"), { max: sheet.total, value: sheet.reviewed });
  $("done").textContent = `${sheet.reviewed} of ${sheet.total} looked through`;
  pictures.load(tokensOf(content));
  $("images").replaceChildren(...sheet.images.map(({ token, note }, n) => {
    const button = tile([token], `Image ${n + 1}`);
    button.dataset.label = `Image ${n + 1}${note ? `, ${note}` : ""}`;
    if (note) button.append(Object.assign(document.createElement("span"), { className: "note", textContent: note }));
    return button;
  }));
  mark($("images").firstElementChild);
  $("others").hidden = !sheet.suggestions.length || sheet.page > 0;
  $("suggestions").replaceChildren(...sheet.suggestions.map(({ tokens, name }) => tile(tokens, `Identity ${name}`, name)));
  $("pages").hidden = sheet.pages < 2;
  $("page").textContent = `images ${sheet.page + 1} of ${sheet.pages}`;
  doing("page-back").disabled = sheet.page === 0;
  doing("page-on").disabled = sheet.page + 1 >= sheet.pages;
  doing("preceding").disabled = sheet.preceding === null;
  doing("undo").disabled = content.undoable === null;
  count();
  focusOn($("images").children[1] ?? $("images").firstElementChild);
  pictures.keep([...tokensOf(content), ...content.ahead]);
  // Measured to the frame in which all pictures of the identity are there.
  Promise.all(sheet.images.map(({ token }) => pictures.ready(token))).then(() => requestAnimationFrame(() => {
    performance.measure("sheet", { start: pressed || 0, end: performance.now() });
    pictures.load(content.ahead);
  }));
}

const doing = (name) => document.querySelector(`[data-do="${name}"]`);
const pressed = (where) => [...$(where).children].filter((each) => each.ariaPressed === "true").map((each) => each.dataset.token);
function count() {
  const [out, same] = [pressed("images").length, pressed("suggestions").length];
  doing("confirm").replaceChildren(out ? `${out} ${out === 1 ? "does" : "do"} not belong ` : "Nothing to tick ", key("↵"));
  doing("merge").replaceChildren(same ? `${same} ${same === 1 ? "is" : "are"} the same, the others are different ` : "All of these are different ", key("M"));
}
const key = (text) => Object.assign(document.createElement("kbd"), { textContent: text });
function toggle(button) {
  if (button.classList.contains("marked")) return say("This is the marked image: the others are compared with it. R marks another.", true);
  button.setAttribute("aria-pressed", String(button.ariaPressed !== "true"));
  count();
}
for (const grid of [$("images"), $("suggestions")]) grid?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) { toggle(button); focusOn(button); }
});
function focusOn(button) { // one of a grid is in the order of Tab; arrows move among them
  for (const each of button.parentElement.children) each.tabIndex = each === button ? 0 : -1;
  for (const grid of [$("images"), $("suggestions")]) if (grid.firstElementChild && !grid.contains(button)) grid.firstElementChild.tabIndex = 0;
  button.focus();
}

// ---- requests ----
const name = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function send(path, fields, again = 0) {
  const body = new URLSearchParams({ run: content.run, ...fields });
  try {
    const reply = await fetch(`/review/${path}`, { method: "POST", body, headers: { Accept: "application/json", "X-CSRF": main.dataset.csrf } });
    if (reply.status === 401) return location.reload();
    if (reply.status >= 500) throw new Error(String(reply.status));
    return await reply.json();
  } catch {
    say("No connection: nothing is lost, this is sent again until it is saved.", true);
    await new Promise((wake) => setTimeout(wake, Math.min(500 * 2 ** again, 8000)));
    return send(path, fields, again + 1); // the same name: it is one review however often it is sent
  }
}

async function act(path, fields, saved) {
  if (busy) return;
  busy = true;
  const began = performance.now();
  const { sheet } = content;
  const named = { identity: sheet.identity, version: sheet.version, reference, name: name(), seconds: seconds(), ...fields };
  try {
    let reply = await send(path, named);
    if (reply?.refused === "contradictions") {
      const decision = await contradict(reply.contradictions);
      if (!decision) return say("Nothing was stored.");
      reply = await send(path, { ...named, name: name(), contradictions: decision });
    }
    if (!reply) return;
    if (reply.refused === "taken" || reply.refused === "name") return reply;
    if (!reply.sheet) return say(reply.notice ?? "This was refused: load the page again.", true);
    show(reply, began);
    if (reply.refused) say(reply.notice, true);
    else say(saved(reply));
    return reply;
  } finally {
    busy = false;
  }
}
const answers = (reply) => `Saved: ${reply.answers} ${reply.answers === 1 ? "answer" : "answers"}${reply.known ? `, ${reply.known} known before` : ""}`;

function contradict(all) {
  $("clash-list").replaceChildren(...all.map(({ tokens, same, known, answers: given }) => {
    const row = Object.assign(document.createElement("p"), { className: "chain" });
    row.append(...tokens.map((token) => pictures.copy(token)), ` you: ${same ? "same" : "different"}; but `);
    for (const each of given) row.append(...each.tokens.map((token) => pictures.copy(token)), ` ${each.who}: ${each.verdict}${each.review ? " (review)" : ""} `);
    if (known) row.append(` ${known}`);
    else if (!given.length) row.append("another tick of yours says the opposite");
    return row;
  }));
  return ask($("clash"));
}
function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue), { once: true }));
}

async function go(identity, page = 0) {
  if (busy) return;
  const began = performance.now();
  const reply = await fetch(`/review/sheet?run=${content.run}&identity=${identity}&page=${page}`, { headers: { Accept: "application/json" } });
  if (!reply.ok) return location.reload();
  show(await reply.json(), began);
  say("");
}

async function rename(wrong = "", given = content.sheet.name, other = null) {
  $("naming-wrong").hidden = !wrong;
  $("naming-wrong").replaceChildren(wrong);
  if (other) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "They are one individual: merge" });
    button.onclick = () => { $("naming").close(""); act("compare", { form: "merge", same: other.token }, answers); };
    $("naming-wrong").append(" ", pictures.copy(other.token), " ", button);
  }
  $("name").value = given;
  const closed = ask($("naming"));
  $("name").select();
  if (await closed !== "save") return;
  const wish = $("name").value;
  const reply = await act("name", { given: wish }, () => `Named ${wish.trim()}`);
  if (reply?.refused === "taken" || reply?.refused === "name") rename(reply.notice, wish, reply.other);
}

// ---- what buttons and keys do ----
function confirm(extra = {}) { return act("compare", { form: "tick", different: pressed("images").join(" "), ...extra }, answers); }
const rest = () => [...$("images").children].map((each) => each.dataset.token).filter((token) => token !== reference && !pressed("images").includes(token));
const actions = {
  confirm: () => confirm(),
  one: () => confirm({ same: rest().join(" ") }),
  merge: () => {
    const same = pressed("suggestions");
    act("compare", { form: "merge", same: same.join(" "), different: content.sheet.suggestions.map(({ tokens }) => tokens[0]).filter((token) => !same.includes(token)).join(" ") }, answers);
  },
  undo: () => {
    if (content.undoable !== null) act("undo", { review: content.undoable }, (reply) => `Undone: ${reply.undone} ${reply.undone === 1 ? "answer" : "answers"}`);
  },
  rename: () => rename(),
  skip: () => (content.sheet.page + 1 < content.sheet.pages ? actions["page-on"]() : content.sheet.following !== null && go(content.sheet.following)),
  preceding: () => content.sheet.preceding !== null && go(content.sheet.preceding),
  "page-on": () => go(content.sheet.identity, content.sheet.page + 1),
  "page-back": () => go(content.sheet.identity, content.sheet.page - 1),
};
document.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
$("open-keys").addEventListener("click", () => $("keys").showModal());

function move(step, rows = false) {
  const at = document.activeElement.closest(".grid > button");
  const grid = at?.parentElement ?? $("images");
  const all = [...grid.children];
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const next = at ? all.indexOf(at) + step * (rows ? columns : 1) : 0;
  if (all[next]) return focusOn(all[next]);
  const other = grid === $("images") ? $("suggestions") : $("images");
  if (other.children.length && !other.closest("section").hidden && (next < 0) === (grid === $("suggestions"))) focusOn(next < 0 ? other.lastElementChild : other.firstElementChild);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing) {
    if (["Enter", " "].includes(event.key) && document.activeElement.closest(".grid > button")) event.preventDefault(); // it would press the button
    return;
  }
  const dialog = document.querySelector("dialog[open]");
  if (dialog) {
    if (dialog.id === "large" && event.key.toLowerCase() === "z") dialog.close();
    return;
  }
  if (!content?.sheet) return;
  const at = document.activeElement.closest(".grid > button");
  const inOthers = at !== null && $("suggestions").contains(at);
  const keys = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowUp: () => move(-1, true), ArrowDown: () => move(1, true),
    a: actions.one, n: actions.rename, u: actions.undo, s: actions.skip, b: actions.preceding,
    m: () => (inOthers ? actions.merge() : !$("others").hidden && focusOn($("suggestions").firstElementChild)),
    r: () => at && !inOthers && mark(at),
    z: () => {
      if (!at) return;
      $("large-marked").src = wide(reference);
      $("large-one").src = wide(at.dataset.token);
      $("large").showModal();
    },
    Enter: at || document.activeElement === document.body ? (inOthers ? actions.merge : actions.confirm) : null, // else it presses the button
    " ": at ? () => toggle(at) : null,
  };
  const wanted = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!wanted) return;
  event.preventDefault();
  if (!event.repeat || event.key.startsWith("Arrow")) wanted();
});

if (content?.sheet) {
  const wanted = Number.parseInt(location.hash.slice(1), 10);
  show(content);
  if (!Number.isNaN(wanted) && wanted !== content.sheet.identity) go(wanted);
}
