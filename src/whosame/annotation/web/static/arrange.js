// Arrangement of two pictures: side by side or stacked, whichever shows them larger, each pane in its picture's shape.

const SHARES = Array.from({ length: 71 }, (_, k) => (15 + k) / 100); // of the length that the first one gets
const NEARLY = 0.9;
const CLEARLY = 1.5; // product of the areas that another direction must gain: pairs of like shapes keep their places

// shapes: width / height of each picture; below: px under each that are not for it. Returns the sizes for which the
// product of the two areas is largest, so that neither is made large at the cost of the other.
function fit(direction, width, height, shapes, below, gap) {
  let best = { area: -1 };
  for (const share of SHARES) {
    const sizes = [share, 1 - share].map((part, i) => {
      const [w, h] = direction === "row" ? [part * (width - gap), height - below[i]] : [width, part * (height - gap) - below[i]];
      const fitted = Math.max(0, Math.min(w, h * shapes[i]));
      return [fitted, fitted / shapes[i]];
    });
    const across = direction === "row" ? 1 : 0; // nearly as high, or as wide, as each other: then quite so
    const least = Math.min(sizes[0][across], sizes[1][across]);
    sizes.forEach((size, i) => {
      if (size[across] * NEARLY < least) [size[across], size[1 - across]] = [least, across ? least * shapes[i] : least / shapes[i]];
    });
    const area = sizes[0][0] * sizes[0][1] * sizes[1][0] * sizes[1][1];
    if (area > best.area) best = { direction, sizes, area };
  }
  return best;
}

export function arrange(before, ...room) {
  const [row, column] = [fit("row", ...room), fit("column", ...room)];
  const [kept, other] = before === "column" ? [column, row] : [row, column];
  return other.area > kept.area * (before ? CLEARLY : 1) ? other : kept;
}
