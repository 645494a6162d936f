"""Label quality by strategy and number of questions, on fixed features.

``make bench-selection``, or a part: ``python benchmarks/selection.py --strategies=dcps,gain-labels --budgets=500``.

Features of Market-1501's size are drawn (``reid_features.py``): ``normal`` like those of a trained network, ``hard``
like those of a network in its first rounds. Each simulation adds a row to ``data/08_reporting/selection/rows.csv``. A
row of the same code is not simulated again, so the benchmark may be interrupted.
"""

import argparse
import csv
import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import reid_features

from whosame.clustering import ClusteringConfig, base_clusters
from whosame.errors import ParameterError
from whosame.evaluation import evaluate_clusters
from whosame.simulation import simulate
from whosame.strategies import registry

PROJECT = Path(__file__).parents[1]
ROWS = PROJECT / "data" / "08_reporting" / "selection" / "rows.csv"
CODE = (
    "active_round.py",
    "annotators",
    "clustering",
    "features",
    "strategies",
    "memory.py",
    "seeding.py",
    "simulation.py",
)
PAPERS = ClusteringConfig(distance="jaccard", k1=30, eps=0.6, centre_cameras=False)  # as the papers cluster
ABLATED: dict[str, Mapping[str, Any]] = {  # of gain-labels, by the missing part
    "merges": {"merges": False},
    "splits": {"splits": False},
    "outliers": {"outliers": False},
    "refitting": {"refit": False},
    "centring": {"centre": False},
    "caps": {"merge_cap": 1_000},
    "re-asking": {"repair": False},
    "stopping": {"worth": 0.0},
}
SHOWN = ("f1", "ari", "bcubed_f1", "f1_clustered", "coverage", "asked", "free", "seconds")


@dataclass(frozen=True)
class Cell:
    """Parameters of a simulation."""

    version: str
    strategy: str
    kind: str
    seed: int
    budget: int
    noise: float
    rounds: int


@dataclass(frozen=True)
class Row(Cell):
    """Result: agreement over all images (outliers alone), F1 over those in clusters, questions, seconds."""

    f1: float
    ari: float
    bcubed_f1: float
    f1_clustered: float
    coverage: float
    asked: int
    free: int
    seconds: float

    @property
    def cell(self) -> Cell:
        return Cell(*(getattr(self, field.name) for field in fields(Cell)))


def version() -> str:
    """Return a hash of the code that a row depends on."""
    places = [PROJECT / "src" / "whosame" / name for name in CODE] + [Path(reid_features.__file__)]
    found = sorted(path for place in places for path in (place.rglob("*.py") if place.is_dir() else [place]))
    return hashlib.sha256(b"".join(path.read_bytes() for path in found)).hexdigest()[:12]


def arms(names: list[str], *, ablations: bool) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return strategy and parameters of each line of a table, by label."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {name: (name, {}) for name in names}
    for part, parameters in ABLATED.items() if ablations else ():
        found[f"gain-labels without {part}"] = ("gain-labels", {"gain": parameters})
    for name, parameters in found.values():
        registry.make(name, parameters)  # an unknown name is an error before anything is drawn
    return found


@cache
def data(kind: str, seed: int):
    """Return features, identities, cameras and the clustering, the same for every strategy."""
    features, identities, cameras = reid_features.features(purity=reid_features.PURITY[kind], seed=seed)
    return features, identities, cameras, base_clusters(features, cameras, PAPERS)


def simulated(cell: Cell, strategy: str, parameters: Mapping[str, Any]) -> Row:
    features, identities, cameras, clustering = data(cell.kind, cell.seed)
    found = simulate(
        strategy,
        features,
        identities,
        cameras,
        budget=cell.budget,
        rounds=cell.rounds,
        noise=cell.noise,
        seed=cell.seed,
        parameters=parameters,
        config=PAPERS,
        clustering=clustering,
    )
    metrics = evaluate_clusters(found.labels, identities)
    return Row(
        **asdict(cell),
        f1=metrics.everything.pairwise_f1,
        ari=metrics.everything.ari,
        bcubed_f1=metrics.everything.bcubed_f1,
        f1_clustered=metrics.clustered.pairwise_f1,
        coverage=metrics.coverage,
        asked=found.asked,
        free=found.free,
        seconds=found.seconds,
    )


def kept(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, if it exists, without a truncated last line."""
    if path.exists():
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                if None not in line.values():
                    yield Row(**{field.name: field.type(line[field.name]) for field in fields(Row)})


def keep(path: Path, row: Row) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(asdict(row))


def table(rows: list[Row]) -> str:
    """Return the rows of one kind and budget as text, a line per strategy: means over seeds, ± standard deviation."""
    width = max(len(row.strategy) for row in rows)
    lines = [" ".join([f"{'strategy':{width}}", "seeds", f"{SHOWN[0]:>13}", *(f"{name:>12}" for name in SHOWN[1:])])]
    for strategy in dict.fromkeys(row.strategy for row in rows):
        its = [row for row in rows if row.strategy == strategy]
        f1 = [row.f1 for row in its]
        spread = f" ± {np.std(f1, ddof=1):.3f}" if len(f1) > 1 else ""
        shares = [f"{np.mean([getattr(row, name) for row in its]):12.3f}" for name in SHOWN[1:5]]
        counts = [f"{np.mean([getattr(row, name) for row in its]):12.1f}" for name in SHOWN[5:]]
        first = f"{np.mean(f1):.3f}{spread}"
        lines.append(" ".join([f"{strategy:{width}}", f"{len(its):5}", f"{first:>13}", *shares, *counts]))
    return "\n".join(lines)


def options() -> argparse.Namespace:
    def several(kind):
        return lambda text: [kind(part) for part in text.split(",")]

    asking = [name for name in registry.names() if registry.make(name).asks]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strategies", type=several(str), default=["none", *asking], help="default: all that ask")
    parser.add_argument("--kinds", type=several(str), default=list(reid_features.PURITY), help="normal,hard")
    parser.add_argument("--seeds", type=several(int), default=[0, 1, 2], help="of features and strategy; 0,1,2")
    parser.add_argument("--budgets", type=several(int), default=[500, 1000, 3000], help="500,1000,3000")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--noise", type=float, default=0.0, help="share of wrong answers")
    parser.add_argument("--ablations", action="store_true", help="also gain-labels without each of its parts")
    parser.add_argument("--rows", type=Path, default=ROWS, help="where rows are kept")
    chosen = parser.parse_args()
    if unknown := set(chosen.kinds) - set(reid_features.PURITY):
        parser.error(f"--kinds takes {', '.join(reid_features.PURITY)}, not {', '.join(sorted(unknown))}")
    try:
        chosen.arms = arms(chosen.strategies, ablations=chosen.ablations)
    except ParameterError as error:
        parser.error(str(error))
    return chosen


def main() -> None:
    """Simulate missing rows and print the tables."""
    chosen, code = options(), version()
    logging.getLogger("whosame").setLevel(logging.ERROR)  # "clusters stay apart", thousands of times
    known = {row.cell: row for row in kept(chosen.rows)}
    tables: dict[tuple[str, int], list[Row]] = {}
    for kind in chosen.kinds:
        for seed in chosen.seeds:
            for budget in chosen.budgets:
                for label, (strategy, parameters) in chosen.arms.items():
                    cell = Cell(code, label, kind, seed, budget, chosen.noise, chosen.rounds)
                    if cell not in known:
                        known[cell] = simulated(cell, strategy, parameters)
                        keep(chosen.rows, known[cell])
                        row = known[cell]
                        print(
                            f"{kind} seed {seed} T {budget} {label}: F1 {row.f1:.3f}, {row.seconds:.1f} s", flush=True
                        )
                    tables.setdefault((kind, budget), []).append(known[cell])
            data.cache_clear()  # 100 MiB each
    for (kind, budget), rows in tables.items():
        print(f"\n{kind}, T = {budget}, {chosen.rounds} rounds, noise {chosen.noise:g}\n{table(rows)}")


if __name__ == "__main__":
    main()
