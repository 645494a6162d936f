// The search: a photograph, or an image of the gallery, and the individuals that it may show, the most similar first.
import { Pictures } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const main = $("search");
const content = JSON.parse(main.dataset.content);
const pictures = new Pictures((tokens) => `/search/thumbnails?run=${content.run}&tokens=${tokens.join("+")}`);
const LARGEST = 4 * 1024 * 1024; // bytes; a larger photograph is made smaller here
const SIDE = 2048; // pixels

function say(text, wrong = false) {
  $("status").className = wrong ? "wrong" : "";
  $("status").replaceChildren(text);
}
const element = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });

function tile({ token, identity, score, camera, images, confirmed, known }) {
  const button = element("button", "", { type: "button" });
  const lines = score === undefined ? [] : [
    element("b", identity || "no name"),
    element("small", `similarity ${score.toFixed(2)}`),
    element("small", known ? `${images} ${images === 1 ? "image" : "images"}${confirmed ? `, ${confirmed} confirmed` : ""}` : "test image"),
    element("small", camera === null ? "" : `camera ${camera}`),
  ].filter((line) => line.textContent);
  button.append(pictures.of(token), ...lines);
  button.setAttribute("aria-label", [...lines.map((line) => line.textContent), "search for this image"].join(", "));
  button.addEventListener("click", () => find(`like/${token}`, {}, pictures.copy(token)));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function show({ hits, nobody_near: nobody, calibration }) {
  pictures.keep([]);
  pictures.load(hits.map(({ token }) => token));
  $("found").hidden = false;
  $("found").classList.toggle("nobody", nobody);
  $("found-title").replaceChildren(nobody ? "Nobody near" : `The most similar is ${hits[0]?.identity || "without a name"}`);
  $("verdict").replaceChildren(`${calibration[0].toUpperCase()}${calibration.slice(1)}.`);
  $("hits-title").replaceChildren(nobody ? "The least unlike" : "Identities by their best image, the most similar first");
  $("hits").replaceChildren(...hits.map(tile));
}

let last = 0; // only the reply to the newest request is shown
async function find(path, options, image) {
  const own = ++last;
  say("Searching…");
  try {
    const reply = await fetch(`/search/${path}?run=${content.run}`, { ...options, headers: { Accept: "application/json", "X-CSRF": main.dataset.csrf, "Content-Type": "application/octet-stream" } });
    if (own !== last) return;
    if (reply.status === 401) return location.reload();
    const found = await reply.json();
    if (!reply.ok) return say(typeof found.detail === "string" ? found.detail : "This cannot be searched for.", true);
    image.id = "query";
    image.alt = "What was searched for";
    $("query").replaceWith(image);
    show(found);
    say("");
    scrollTo({ top: 0 });
  } catch {
    if (own === last) say("No connection: try again.", true);
  }
}

async function smaller(file) {
  if (file.size <= LARGEST) return file;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
}

async function photograph(file) {
  if (!file || !$("file")) return;
  try {
    const body = await smaller(file);
    await find("photograph", { method: "POST", body }, Object.assign(new Image(), { src: URL.createObjectURL(body) }));
  } catch {
    say("This is no image that can be read: give a photograph as JPEG, PNG or WebP.", true);
  }
}

if (content) {
  $("file")?.addEventListener("change", (event) => photograph(event.target.files[0]));
  document.addEventListener("paste", (event) => photograph(event.clipboardData.files[0]));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault(); // else the browser opens the file
      $("drop")?.classList.toggle("over", name === "dragover");
      if (name === "drop") photograph(event.dataTransfer.files[0]);
    });
  }
  pictures.load(content.examples);
  $("hits").replaceChildren(...content.examples.map((token) => tile({ token })));
}
