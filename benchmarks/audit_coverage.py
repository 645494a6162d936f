"""How often the intervals of an audit cover the truth, over drawn label sets of different quality.

    python benchmarks/audit_coverage.py --sets=500 --first=1000          # 200 questions each
    python benchmarks/audit_coverage.py --sets=100 --first=2000 --pairs=0.002   # as many as 0.2 % of the pairs
    python benchmarks/audit_coverage.py --sets=100 --first=3000 --noise=0.9,1.2 # features of a poor network
    python benchmarks/audit_coverage.py --sets=500 --kept=sets.pkl       # goes on where it was interrupted

Half the width of the intervals is compared with that of as many pairs drawn uniformly from all pairs, and from the
pairs of one name (precision alone). Individuals cannot be estimated from uniform pairs.
"""

import argparse
import pickle
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from whosame.testing.audits import KINDS, QUALITIES, audited, draw_label_set

ESTIMATED = ("precision", "recall", "bcubed_precision", "bcubed_recall", "individuals")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sets", type=int, default=500)
    options.add_argument("--first", type=int, default=1000, help="seed of the first set; 0 to 99 were used to choose")
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--pairs", type=float, help="questions as a share of the pairs of images instead")
    options.add_argument("--noise", default="0.2,0.75", help="least and greatest noise of the features")
    options.add_argument("--kept", type=Path, help="a file of this benchmark with the sets that are done")
    typed = options.parse_args()
    low, high = map(float, typed.noise.split(","))
    rows = pickle.loads(typed.kept.read_bytes()) if typed.kept and typed.kept.exists() else []
    for seed in range(typed.first + len(rows), typed.first + typed.sets):
        names = draw_label_set(seed, noise=(low, high))
        n = len(names.labels)
        questions = typed.questions if typed.pairs is None else int(typed.pairs * n * (n - 1) / 2)
        estimates, session = audited(names, questions, seed)
        names = replace(names, features=names.features[:0])
        rows.append((names, names.scores(), estimates, session.asked, questions))
        if typed.kept:
            typed.kept.write_bytes(pickle.dumps(rows))
        if len(rows) % 50 == 0:
            print(f"{len(rows)} of {typed.sets}", flush=True)
    report(rows)


def report(rows):
    print(f"\n{len(rows)} label sets, {np.mean([asked for *_, asked, _ in rows]):.0f} questions asked on average")
    print("| estimate | covered | truth below | truth above | half width, median | error, median | bias |")
    print("|---|---|---|---|---|---|---|")
    for name in ESTIMATED:
        found = [(getattr(estimates, name), truth[name]) for _, truth, estimates, *_ in rows]
        scale = np.array([truth if name == "individuals" else 1 for _, truth in found])
        covered = np.mean([truth in interval for interval, truth in found])
        below = np.mean([truth < interval.low - 1e-9 for interval, truth in found])
        half = np.array([interval.high - interval.low for interval, _ in found]) / 2 / scale
        error = np.array([interval.value - truth for interval, truth in found]) / scale
        print(
            f"| {name} | {covered:.1%} | {below:.1%} | {1 - covered - below:.1%} | {np.median(half):.3f} "
            f"| {np.median(abs(error)):.3f} | {error.mean():+.3f} |"
        )
    for name in ("precision", "recall"):  # without an error the interval ends at 1, which it then is in most sets
        found = [(getattr(estimates, name), truth[name]) for _, truth, estimates, *_ in rows]
        seen = np.array([interval.value < 1 for interval, _ in found])
        covered = np.array([truth in interval for interval, truth in found])
        parts = [
            f"{of.sum()} sets {what}: {covered[of].mean():.1%}"
            for of, what in ((seen, "with"), (~seen, "without"))
            if of.any()
        ]
        print(f"{name} covered, by whether the audit saw an error: {', '.join(parts)}")
    shares = [abs(estimates.individuals.value / truth["individuals"] - 1) < 0.1 for _, truth, estimates, *_ in rows]
    print(f"\nindividuals within 10 %: {np.mean(shares):.0%} of the sets")
    by = defaultdict(list)
    for names, truth, estimates, *_ in rows:
        for group in (names.kind, f"p {names.quality}"):
            by[group].append([truth[name] in getattr(estimates, name) for name in ESTIMATED])
    print("\n| covered | " + " | ".join(ESTIMATED) + " |\n|---" * 1 + "|---" * len(ESTIMATED) + "|")
    for group in (*KINDS, *(f"p {quality}" for quality in QUALITIES)):
        if by[group]:
            print(f"| {group} | " + " | ".join(f"{share:.0%}" for share in np.mean(by[group], axis=0)) + " |")
    uniform(rows)


def uniform(rows):
    """Print how the widths compare with those of pairs that are drawn uniformly, by their exact standard errors."""
    ratios = defaultdict(list)
    for names, truth, estimates, _, questions in rows:
        n = len(names.labels)
        pairs, sizes = n * (n - 1) / 2, np.bincount(names.labels[names.labels >= 0])
        for name, of in (("precision", (sizes * (sizes - 1) / 2).sum()), ("recall", _pairs(names.truth))):
            share = truth[name]
            seen = max(of / pairs * questions, 1e-9)  # uniform pairs that tell anything about it
            half = min(1.96 * np.sqrt(max(share * (1 - share), 1e-4) / seen), 0.5)
            interval = getattr(estimates, name)
            ratios[name].append((interval.high - interval.low) / 2 / half)
            if name == "precision":
                half = 1.96 * np.sqrt(max(share * (1 - share), 1e-4) / questions)
                ratios["precision, of pairs of one name"].append((interval.high - interval.low) / 2 / half)
    for name, ratio in ratios.items():
        print(f"width against uniform pairs, {name}: median {np.median(ratio):.2f}")


def _pairs(labels):
    sizes = np.bincount(labels)
    return (sizes * (sizes - 1) / 2).sum()


if __name__ == "__main__":
    main()
