"""What limits a network: labels of ``gain`` on rendered people of unknown camera, repaired by the truth in every round.

    python benchmarks/repaired_labels.py --repairs=merged,cleaned,both --seeds=3

``merged``: clusters of one majority are united; ``cleaned``: images of other people are taken out; ``both``.
Images that are outliers stay so.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from whosame import active_round

Labels = NDArray[np.int64]


def repaired(labels: Labels, truth: Labels, what: str) -> Labels:
    """Return the labels with one kind of error taken out."""
    truth = np.where(truth > 0, truth, -1)
    majority = np.full(len(labels), -1)
    for label in np.unique(labels[labels >= 0]):
        people = truth[labels == label]
        if len(people := people[people > 0]):
            majority[labels == label] = np.bincount(people).argmax()
    if what == "both":
        return np.where(labels >= 0, truth, -1)
    return majority if what == "merged" else np.where(majority == truth, labels, -1)


def main() -> None:
    """Play the runs and print the last round of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repairs", default="merged,cleaned,both")
    parser.add_argument("--seeds", default="3")
    arguments = parser.parse_args()
    from whosame.app.round_loop import play

    reassign = active_round.reassign
    for what in arguments.repairs.split(","):
        active_round.reassign = lambda *given, _what=what: repaired(reassign(*given), given[-1], _what)
        for seed in map(int, arguments.seeds.split(",")):
            parameters = {"use_cameras": False, "strategy": "gain", "budget": 500, "seed": seed}
            last = play(None, {**parameters, "run": f"repaired-{what}-{seed}"}).metrics()[-1]
            print(f"{what}, seed {seed}: mAP {100 * last['retrieval/mAP']:.1f}, ARI {last['clusters/ari']:.2f}")


if __name__ == "__main__":
    main()
