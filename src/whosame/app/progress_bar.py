"""What the terminal shows while rounds run: a bar with round, node, questions left, mAP, time left; lines elsewhere."""

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm


class Display:
    """Progress of the rounds of one process."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._begun = 0.0
        self._took: list[float] = []
        self._tail = ""

    def begin(self, run: str, number: int, rounds: int, nodes: int) -> None:
        """Announce a round and how many nodes it runs."""
        self._begun = time.monotonic()
        self._where = f"{run}: round {number} ({min(number + 1, rounds)} of {rounds})"
        self._left = max(rounds - number - 1, 0)
        if sys.stderr.isatty():
            self._bar = tqdm(total=nodes, desc=self._where, leave=False, dynamic_ncols=True, bar_format=_BAR)

    def node(self, name: str) -> None:
        """Announce the node that runs now."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"{name}{self._tail}")

    def node_done(self) -> None:
        """Move on by one node."""
        if self._bar is not None:
            self._bar.update()

    def end(self, metrics: Mapping[str, Any], budget: int) -> float:
        """Announce the round's figures; return its seconds."""
        seconds = time.monotonic() - self._begun
        self._took.append(seconds)
        asked = int(metrics.get("annotation/asked_total", 0))
        accuracy = metrics.get("retrieval/mAP")
        known = isinstance(accuracy, (int, float)) and math.isfinite(accuracy)
        said = f", mAP {100 * accuracy:.1f}" if known and accuracy is not None else ""
        self._tail = f", {budget - asked} questions left{said}"
        later = sum(self._took) / len(self._took) * self._left
        self.close()
        again = int(metrics.get("annotation/answers_found_again_total", 0))
        found = f", {again} answers found again" if again else ""
        left = f", about {later:.0f} s left" if self._left else ""
        line = f"{self._where}: {asked} of {budget} questions asked{found}{said}, {seconds:.1f} s{left}"
        tqdm.write(line, file=sys.stderr)
        return seconds

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


_BAR = "{desc}: {n_fmt} of {total_fmt} nodes |{bar}| {elapsed} {postfix}"
