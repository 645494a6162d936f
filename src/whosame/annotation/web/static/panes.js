// The two panes: their arrangement, and what a person does to the pictures in them: zoom, pan, mirror, contrast. All of it
// acts on both pictures or on one of them, as chosen; zoom and pan of both keep in step.
import { arrange } from "./arrange.js";

const $ = (id) => document.getElementById(id);
const stage = $("pair");
const figures = [$("left"), $("right")];
const views = [{}, {}]; // by: zoom; x, y: offset in shares of the pane; mirrored; image
const MOST = 10; // zoom
const MISSING = 4 / 3; // the shape of a pane without a picture
let [chosen, contrast, direction] = ["both", false, ""]; // chosen: "both", 0 or 1; direction: "row" or "column"

// ---- which pictures ----
const acting = () => (chosen === "both" ? [0, 1] : [chosen]);

export function choosePictures(which) {
  chosen = which;
  for (const button of document.querySelectorAll("[data-pictures]")) {
    button.setAttribute("aria-pressed", button.dataset.pictures === String(which));
  }
  figures.forEach((figure, i) => figure.classList.toggle("chosen", which === i));
  draw();
}

// A pane that is touched becomes the chosen one, where one is chosen.
function touch(i) {
  if (chosen !== "both" && chosen !== i) choosePictures(i);
}

// ---- drawing ----
function draw() {
  views.forEach((view, i) => {
    const most = (view.by - 1) / 2;
    view.x = Math.max(-most, Math.min(most, view.x));
    view.y = Math.max(-most, Math.min(most, view.y));
    const values = { "--zoom": view.by, "--x": `${100 * view.x}%`, "--y": `${100 * view.y}%`, "--mirror": view.mirrored ? -1 : 1 };
    for (const [name, value] of Object.entries(values)) figures[i].style.setProperty(name, value);
    figures[i].style.setProperty("--levels", contrast && view.image ? levels(view.image) : "none");
    figures[i].classList.toggle("zoomed", view.by > 1);
  });
  const zooms = acting().map((i) => `${Math.round(100 * views[i].by)}%`);
  $("zoom-reset").textContent = zooms[0] === zooms.at(-1) ? zooms[0] : "…";
  $("mirror").setAttribute("aria-pressed", Boolean(views[mirrorable()].mirrored));
  $("mirror").title = `Mirror the ${["first", "second"][mirrorable()]} picture`;
  $("contrast").setAttribute("aria-pressed", contrast);
}

// Nothing is measured while a pair is being shown: that would make the browser lay the page out in between.
let room = null; // of the stage: width, height, gap
let laid = ""; // for which room and shapes

function lay() {
  if (!room?.width || !room.height) return; // no pair is shown
  const shapes = views.map(({ image }) => (image ? image.naturalWidth / image.naturalHeight : MISSING));
  const below = figures.map((figure) => (figure.nextElementSibling.hidden ? 0 : figure.nextElementSibling.offsetHeight));
  const wanted = [room.width, room.height, ...shapes, ...below].join();
  if (wanted === laid) return;
  laid = wanted;
  const best = arrange(direction, room.width, room.height, shapes, below, room.gap);
  stage.dataset.direction = direction = best.direction;
  best.sizes.forEach(([width, height], i) => {
    figures[i].style.width = `${Math.floor(width)}px`;
    figures[i].style.height = `${Math.floor(height)}px`;
  });
}

function measure() {
  room = { width: stage.clientWidth, height: stage.clientHeight, gap: parseFloat(getComputedStyle(stage).columnGap) };
  lay();
}
new ResizeObserver(measure).observe(stage);

function put(i, image, missing) {
  figures[i].replaceChildren(image ?? missing);
  Object.assign(views[i], { by: 1, x: 0, y: 0, mirrored: false, image });
}

// Show pictures, or what is wrong with them: whole, and as they are.
export function showPictures(images, missing) {
  images.forEach((image, i) => put(i, image, missing[i]));
  if (room?.width) lay();
  else measure(); // the first pair
  draw();
}

export function showPicture(i, image) {
  put(i, image, "");
  lay();
  draw();
}

// ---- zoom and pan ----
export function move(dx, dy) { // px
  for (const i of acting()) {
    views[i].x += dx / figures[i].clientWidth;
    views[i].y += dy / figures[i].clientHeight;
  }
  draw();
}

export function zoomBy(factor, x = 0, y = 0) { // 0: whole again; the point x, y stays, in shares of the pane from its middle
  for (const i of acting()) {
    const view = views[i];
    const before = view.by;
    view.by = Math.max(1, Math.min(MOST, before * factor));
    view.x += (x - view.x) * (1 - view.by / before);
    view.y += (y - view.y) * (1 - view.by / before);
  }
  draw();
}

function place(figure, x, y) {
  const box = figure.getBoundingClientRect();
  return [(x - box.left) / box.width - 0.5, (y - box.top) / box.height - 0.5];
}

const fingers = new Map();
figures.forEach((figure, i) => {
  const on = (name, what) => figure.addEventListener(name, what, { passive: false });
  on("wheel", (event) => {
    if (event.ctrlKey) return; // the browser's own zoom
    event.preventDefault();
    touch(i);
    zoomBy(Math.exp(-event.deltaY / 400), ...place(figure, event.clientX, event.clientY));
  });
  on("dblclick", (event) => zoomBy(views[i].by > 1 ? 0 : 2.5, ...place(figure, event.clientX, event.clientY)));
  on("pointerdown", (event) => {
    touch(i);
    fingers.set(event.pointerId, event);
    figure.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (!other) return move(event.clientX - before.clientX, event.clientY - before.clientY);
    const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
    const middle = place(figure, (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    zoomBy(apart(event) / apart(before), ...middle);
  });
  for (const end of ["pointerup", "pointercancel"]) on(end, (event) => fingers.delete(event.pointerId));
});

// ---- mirror and contrast ----
const mirrorable = () => (chosen === "both" ? 1 : chosen); // two that are turned would compare nothing new

export function mirror() {
  const view = views[mirrorable()];
  Object.assign(view, { mirrored: !view.mirrored, x: -view.x });
  draw();
}

export function stretch() {
  contrast = !contrast;
  draw();
}

// The filter that stretches a picture from its 5th to its 95th percentile of brightness: x becomes (x - low) / (high - low).
const known = new WeakMap();
function levels(image) {
  if (!known.has(image)) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, 64, 64);
    const { data } = context.getImageData(0, 0, 64, 64);
    const light = Float32Array.from({ length: data.length / 4 }, (_, k) => {
      return (0.2126 * data[4 * k] + 0.7152 * data[4 * k + 1] + 0.0722 * data[4 * k + 2]) / 255;
    }).sort();
    const [low, high] = [0.05, 0.95].map((share) => light[Math.floor(share * (light.length - 1))]);
    const span = Math.max(high - low, 1 / 32);
    const by = 1 + (2 * low) / span; // contrast(by) is by x + (1 - by) / 2
    known.set(image, `brightness(${1 / (span * by)}) contrast(${by})`);
  }
  return known.get(image);
}

// ---- controls ----
for (const button of document.querySelectorAll("[data-pictures]")) {
  const which = button.dataset.pictures;
  button.addEventListener("click", () => choosePictures(which === "both" ? which : Number(which)));
}
const controls = { "zoom-in": () => zoomBy(1.25), "zoom-out": () => zoomBy(0.8), "zoom-reset": () => zoomBy(0), mirror, contrast: stretch };
for (const [id, what] of Object.entries(controls)) $(id).addEventListener("click", what);
$("tools").hidden = false;
