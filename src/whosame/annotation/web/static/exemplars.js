// Exemplars: below a picture, others that are the same by earlier answers. Pressing one shows it large in its place.
import { showPicture } from "./panes.js";

const groups = [document.getElementById("left-known"), document.getElementById("right-known")];

async function enlarge(i, button, token, alt) {
  const image = Object.assign(new Image(), { alt, draggable: false, src: `/picture/${token}` });
  for (const each of groups[i].querySelectorAll("button")) each.setAttribute("aria-pressed", each === button);
  await image.decode().catch(() => null);
  if (button.getAttribute("aria-pressed") === "true" && button.isConnected) showPicture(i, image); // not another one by now
}

function thumbnail(i, token, nth, all) {
  const label = nth ? `The same, ${nth} of ${all - 1}` : "The picture asked about";
  const small = Object.assign(new Image(), { alt: "", src: `/thumbnail/${token}` });
  const button = Object.assign(document.createElement("button"), { type: "button", ariaLabel: label, title: label });
  button.setAttribute("aria-pressed", nth === 0);
  button.append(small);
  button.addEventListener("click", () => enlarge(i, button, token, nth ? label : `${["Left", "Right"][i]} picture`));
  return button;
}

// pair: of the server, its two pictures and the exemplars of each.
export function showExemplars(pair) {
  [pair.left, pair.right].forEach((asked, i) => {
    groups[i].hidden = !pair.known[i].length;
    if (groups[i].hidden) return groups[i].replaceChildren();
    const tokens = [asked, ...pair.known[i]];
    const caption = Object.assign(document.createElement("p"), { textContent: "The same, by earlier answers" });
    const row = Object.assign(document.createElement("div"), { className: "thumbs" });
    row.append(...tokens.map((token, nth) => thumbnail(i, token, nth, tokens.length)));
    groups[i].replaceChildren(caption, row);
  });
}
