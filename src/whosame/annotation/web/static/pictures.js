// Small pictures of a page, kept as elements. Those that are asked for together come in one response, as they are ready:
// the length of each in four bytes, then the picture; 0: it cannot be shown.
const gone = () => Object.assign(document.createElement("span"), { className: "gone", textContent: "cannot be shown" });

export class Pictures {
  #kept = new Map(); // by token
  #address;

  constructor(address) { // a function of tokens
    this.#address = address;
  }

  load(tokens) {
    const missing = [...new Set(tokens)].filter((token) => !this.#kept.has(token));
    if (!missing.length) return;
    const images = missing.map((token) => {
      const image = Object.assign(new Image(), { alt: "", draggable: false, decoding: "sync" }); // all in one frame
      image.ready = new Promise((ready) => { image.arrived = ready; });
      this.#kept.set(token, image);
      return image;
    });
    receive(this.#address(missing), images).catch(() => images.filter((image) => !image.src).forEach(fail));
  }

  of(token) {
    this.load([token]);
    const image = this.#kept.get(token);
    return image.gone ? gone() : image;
  }

  ready(token) {
    return this.#kept.get(token).ready;
  }

  copy(token) { // an element can be at one place only
    this.load([token]);
    const [image, other] = [this.#kept.get(token), Object.assign(new Image(), { alt: "" })];
    image.ready.then(() => { other.src = image.src; });
    return other;
  }

  keep(tokens) { // and forget all others
    const wanted = new Set(tokens);
    for (const [token, image] of this.#kept) {
      if (wanted.has(token)) continue;
      URL.revokeObjectURL(image.src);
      this.#kept.delete(token);
    }
  }
}

async function receive(address, images) {
  const reply = await fetch(address, { headers: { Accept: "application/json" } });
  if (reply.status === 401) return location.reload();
  if (!reply.ok) throw new Error(String(reply.status));
  let [rest, at] = [new Uint8Array(0), 0];
  for (const reader = reply.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    const bytes = new Uint8Array(rest.length + value.length);
    bytes.set(rest);
    bytes.set(value, rest.length);
    let begin = 0;
    while (begin + 4 <= bytes.length) {
      const end = begin + 4 + new DataView(bytes.buffer).getUint32(begin);
      if (end > bytes.length) break;
      fill(images[at++], bytes.slice(begin + 4, end));
      begin = end;
    }
    rest = bytes.slice(begin);
  }
  images.slice(at).forEach(fail);
}

function fill(image, bytes) {
  if (!bytes.length) return fail(image);
  image.addEventListener("load", image.arrived);
  image.addEventListener("error", () => fail(image));
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
}

function fail(image) {
  image.gone = true;
  image.replaceWith(gone());
  image.arrived();
}
