"""A round of Market-1501's size on a CPU: seconds of each step, and everything but training against training.

The images are drawn: 32,217 files of 64 × 32 pixels with Market-1501's counts and names, a pattern of colours for each
identity, under a cast for each camera and with noise. They are read, trained on and scored by ``kedro rounds`` with the
environment ``market1501``, whose network is replaced by the small one: 200 iterations of 256 images a round. So the
table has all that a round does: files, hooks, logs and the start of nodes are under "other".

    python benchmarks/market_round.py --folder=/tmp/market
    python benchmarks/market_round.py --folder=/tmp/market --counts=400,60,300 --params=training.iterations=4
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

IDENTITIES, CAMERAS = 751, 6
COUNTS = "12936,3368,15913"  # of bounding_box_train, query, bounding_box_test
FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
SIZE = (64, 32)
FIXED = "network.architecture=small,network.weights=random,pixels.height=64,pixels.width=32,device=cpu,budget=120"
FIXED += ",extraction.batch_size=64"  # suits the cache of a CPU


def draw(folder: Path, counts: list[int]) -> Path:
    """Draw the images, unless they are there."""
    done = folder / "drawn"
    if done.exists():
        return folder
    rng = np.random.default_rng(0)
    casts = rng.normal(0, 20, (CAMERAS, 3))

    def write(job: tuple[Path, np.ndarray]) -> None:
        Image.fromarray(job[1]).save(job[0], quality=90)

    def jobs():
        for name, count, first in zip(FOLDERS, counts, (1, 10_001, 10_001), strict=True):
            (folder / name).mkdir(parents=True, exist_ok=True)
            if name != FOLDERS[2]:  # the gallery shows the people of the queries
                patterns = rng.uniform(30, 225, (IDENTITIES, 8, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
            for number in range(count):
                identity, camera = number % IDENTITIES, int(rng.integers(CAMERAS))
                pixels = patterns[identity] + casts[camera] + rng.normal(0, 30, (*SIZE, 3))
                file = f"{first + identity:04d}_c{1 + camera}s1_{number:06d}_00.jpg"
                yield folder / name / file, pixels.clip(0, 255).astype(np.uint8)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, jobs()))
    done.touch()
    return folder


def play(folder: Path, params: str, rounds: int) -> Path:
    """Play the rounds, in a project folder of their own, and return the run's folder."""
    run = "market-round"
    options = f"{FIXED},images={folder},run={run},rounds={rounds}" + f",{params}" * bool(params)
    command = [sys.executable, "-m", "kedro", "rounds", "--env=market1501", f"--params={options}"]
    quiet = {"KEDRO_DISABLE_TELEMETRY": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    subprocess.run(command, check=True, env=os.environ | quiet, stdout=subprocess.DEVNULL)
    return Path("data/runs") / run


def main() -> None:
    """Print the table of the last round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of the drawn images, kept")
    parser.add_argument("--counts", default=COUNTS, help="training images, queries, gallery")
    parser.add_argument("--params", default="", help="more parameters of kedro rounds")
    parser.add_argument("--rounds", type=int, default=2, help="played; the last is shown")
    given = parser.parse_args()
    folder = draw(given.folder.resolve(), [int(count) for count in given.counts.split(",")])
    run = play(folder, given.params, given.rounds)
    timing = json.loads(max(run.glob("**/timing.json")).read_text())
    nodes = timing["nodes"]
    training = nodes["model.train"]
    print("| step | seconds | of training |\n|---|---|---|")
    rows = {**nodes, "other": timing["seconds"] - sum(nodes.values())}
    for name, seconds in sorted(rows.items(), key=lambda row: -row[1]):
        if seconds >= 0.005 * training:
            print(f"| {name} | {seconds:.2f} | {seconds / training:.3f} |")
    rest = timing["seconds"] - training
    print(f"| everything but training | {rest:.2f} | {rest / training:.3f} |")


if __name__ == "__main__":
    main()
