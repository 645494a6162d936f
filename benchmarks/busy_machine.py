"""A demo round on a machine with other work: how much longer it takes, by thread count and waiting policy.

    python benchmarks/busy_machine.py                # about 15 minutes on two cores, nothing else running
    python benchmarks/busy_machine.py --only=built   # the settings that whosame chooses

Rounds 1, 2, … of one demo run are played in turn, alone and beside one busy loop for each core; every round trains for
the same number of iterations. The benchmark ends with status 1 if the round beside busy loops takes more than 2.5 times
as long as alone with the settings that whosame chooses.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[1]
BOUND = 2.5
SETTINGS = {
    "built": {},
    "libgomp's own spinning": {"GOMP_SPINCOUNT": "300000"},
    "spinning for 1,000 turns": {"GOMP_SPINCOUNT": "1000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


@contextmanager
def busy_loops(count):
    """Run that many processes that compute for ever."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def play(folder, number, environment):
    """Play the next round of the demo and return its seconds."""
    command = [sys.executable, "-m", "kedro", "run", "--pipelines=active_round"]
    subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    timing = json.loads((folder / "data" / "runs" / "demo" / f"round_{number:03}" / "timing.json").read_text())
    return timing["seconds"]


def main():
    """Print a table of seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SETTINGS)
    chosen = parser.parse_args()
    ratios = {}
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept) / "project"
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".*", "data", "docs", "tests", "benchmarks"))
        play(folder, 0, {})
        number = 0
        print("| setting | alone | beside busy loops | ratio |\n|---|---|---|---|")
        for name, environment in SETTINGS.items():
            if chosen.only not in (None, name):
                continue
            seconds = []
            for loops in (0, os.cpu_count() or 1):
                number += 1
                with busy_loops(loops):
                    seconds.append(play(folder, number, environment))
            ratios[name] = seconds[1] / seconds[0]
            print(f"| {name} | {seconds[0]:.1f} s | {seconds[1]:.1f} s | {ratios[name]:.1f} |", flush=True)
    sys.exit(ratios.get("built", 0.0) > BOUND)


if __name__ == "__main__":
    main()
