"""Figures of the README: the demo, its cameras unknown, with five arms and three seeds.

``python benchmarks/demo.py`` in the project's folder.

Complete runs are not played again. Prints means over the seeds and draws ``docs/demo.png``.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from whosame.app.round_loop import play
from whosame.reporting.contact_sheet import contact_sheet
from whosame.reporting.curves import curve, overview
from whosame.runs import Run

SEEDS = (0, 1, 2)
UNKNOWN = {"use_cameras": False}
ARMS = {
    "no questions": {"strategy": "none", **UNKNOWN},
    "dcps, 500 questions": {"strategy": "dcps", **UNKNOWN},
    "gain, 500 questions": {"strategy": "gain", **UNKNOWN},
    "true labels": {"strategy": "supervised", **UNKNOWN},
    "no questions, cameras known": {"strategy": "none"},
}
SHOWN = ("retrieval/mAP", "retrieval/rank1", "clusters/ari", "clusters/count")


def played(arm: int, seed: int) -> Run:
    """Play the run of an arm and a seed, or find it."""
    return play(None, {**list(ARMS.values())[arm], "seed": seed, "run": f"demo-{arm}-{seed}"})


def people(root: Path) -> np.ndarray:
    """Return a sheet of four people, two per row, six cameras each."""
    by_person: dict[str, dict[str, Path]] = {}
    for path in sorted((root / "bounding_box_train").glob("*.jpg")):
        by_person.setdefault(path.name[:4], {}).setdefault(path.name[5:7], path)
    seen = [list(cameras.values()) for cameras in by_person.values() if len(cameras) == 6][:4]
    return contact_sheet(np.stack([np.asarray(Image.open(path)) for row in seen for path in row]), 12)


def main() -> None:
    """Play, print, draw."""
    runs = {label: [played(arm, seed) for seed in SEEDS] for arm, label in enumerate(ARMS)}
    histories = {label: [run.metrics() for run in found] for label, found in runs.items()}
    for label, found in histories.items():
        means = "  ".join(f"{name} {np.mean([m[-1][name] for m in found]):.3f}" for name in SHOWN)
        print(f"{label:31}{means}  mAP by seed {[round(100 * m[-1]['retrieval/mAP'], 1) for m in found]}")
    first = runs["no questions"][0]
    panels = {
        metric: [curve(label, found, metric) for label, found in histories.items()]
        for metric in ("retrieval/mAP", "clusters/ari")
    }
    root = Path(json.loads((first.folder / "run.json").read_text())["manifest"]["root"])
    overview(people(root), panels).savefig("docs/demo.png", dpi=110)


if __name__ == "__main__":
    main()
