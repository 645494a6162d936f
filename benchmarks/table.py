"""One table of what each step costs: seconds, peak memory, a limit measured beside it, their ratio, and the growth.

Every cell has a process of its own, in which the work and its limit take turns; the medians are shown, and peak memory
above what was there before. The exponent e of the growth, seconds ~ n^e, is fitted over the sizes.

    make bench                                                # about 10 minutes on two cores
    make bench ARGS="--sizes=3000,30000,300000 --rows=search,jaccard"
    make bench ARGS="--peer=../cluster-contrast-reid"         # beside a checkout of somebody else's: peers.py
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
SIZES = "2000,6000"
Cell = dict[str, float | str]
TURNS, SECONDS = 5, 4.0  # of a cell, at most


def resident(field: str) -> float:
    """Return MiB: VmRSS is what a process has now, VmHWM the most it ever had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(checkout: Path | None, name: str, size: int, small: int, answer: Connection) -> None:
    """Measure a cell, in a process of its own."""
    from benchmarks import peers, rows

    row = (rows.all_rows() if checkout is None else peers.peer_rows(checkout))[name]
    compiled = row(small)
    agree = compiled.work(), compiled.limit()
    ready = row(size)
    before = resident("VmRSS")
    times, peaks = [], []
    while len(times) < TURNS and sum(map(sum, times)) < SECONDS:
        first = seconds_of(ready.work)
        peaks.append(resident("VmHWM") - before)
        times.append((first, seconds_of(ready.limit)))
        peaks.append(resident("VmHWM") - before)
    own, limit = (statistics.median(pair[which] for pair in times) for which in (0, 1))
    cell: Cell = {"seconds": own, "limit": limit, "ratio": statistics.median(a / b for a, b in times)}
    cell |= {"peak_mib": max(0.0, peaks[0]), "limit_peak_mib": max(0.0, peaks[1]), "limit_name": ready.name}
    answer.send(cell | ({} if checkout is None else {"agreement": peers.agreement(*agree)}))


def in_process(checkout: Path | None, name: str, size: int, small: int) -> Cell | None:
    """Return the cell; None if its process ended without one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.rows"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(checkout, name, size, small, there))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        return None
    finally:
        process.join()


def beside(checkout: Path, sizes: list[int]) -> None:
    """Print the table of a peer."""
    from benchmarks import peers, rows

    print(f"{checkout.resolve().name}\n")
    print("| step | images | ours, s | theirs, s | theirs / ours | MiB, ours | theirs | results |")
    print("|---|---|---|---|---|---|---|---|")
    for name in peers.peer_rows(checkout):
        for size in sizes:
            cell = in_process(checkout, name, size, min(rows.FEW, size))
            if cell is None:
                raise SystemExit(f"{name} failed at {size}: see above")
            print(
                f"| {name} | {size:,} | {cell['seconds']:.3f} | {cell['limit']:.3f} |"
                f" {1 / float(cell['ratio']):.1f} | {cell['peak_mib']:,.0f} | {cell['limit_peak_mib']:,.0f} |"
                f" {cell['agreement']} |",
                flush=True,
            )


def exponent(sizes: list[int], seconds: list[float]) -> float | None:
    """Return the slope of the line through the logarithms."""
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    """Print the table, a line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=SIZES, help="images, separated by commas")
    parser.add_argument("--rows", default="", help="parts of rows' names, separated by commas; all if empty")
    parser.add_argument("--out", type=Path, help="a JSON file of all cells")
    parser.add_argument("--peer", type=Path, action="append", default=[], help="a checkout to measure beside ours")
    given = parser.parse_args()
    from benchmarks.rows import FEW, all_rows

    sizes = [int(size) for size in given.sizes.split(",")]
    if given.peer:
        for checkout in given.peer:
            beside(checkout, sizes)
        return
    wanted = [part for part in given.rows.split(",") if part]
    names = [name for name in all_rows() if not wanted or any(part.lower() in name.lower() for part in wanted)]
    if not names:
        parser.error(f"no row has one of {wanted} in its name: {', '.join(all_rows())}")
    print(f"{os.cpu_count()} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}\n")
    print(
        "| step | images | seconds | limit | seconds | ratio | peak MiB | growth |\n|---|---|---|---|---|---|---|---|"
    )
    cells: dict[str, dict[int, Cell]] = {}
    for name in names:
        found = {size: cell for size in sizes if (cell := in_process(None, name, size, min(FEW, size))) is not None}
        cells[name] = found
        slope = exponent([*found], [float(cell["seconds"]) for cell in found.values()])
        for size, cell in found.items():
            last = f"n^{slope:.2f}" if slope is not None and size == max(found) else ""
            print(
                f"| {name} | {size:,} | {cell['seconds']:.3f} | {cell['limit_name']} | {cell['limit']:.3f} |"
                f" {cell['ratio']:.2f} | {cell['peak_mib']:,.0f} | {last} |",
                flush=True,
            )
        for size in sizes:
            if size not in found:
                print(f"| {name} | {size:,} | failed |  |  |  |  |  |", flush=True)
        if given.out:
            given.out.write_text(json.dumps(cells, indent=1) + "\n")
    if any(len(found) < len(sizes) for found in cells.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
