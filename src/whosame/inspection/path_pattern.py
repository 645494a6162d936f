"""What the pattern of layout folder reads from paths, counted as they come."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from whosame.inspection.draw import Draw
from whosame.names import composed

EXAMPLES = 5
MOST_VALUES = 100_000  # counted of a group; a folder may have a million identities
FEW = 0.5  # a pattern that matches a smaller share is hardly meant


@dataclass(frozen=True)
class GroupValues:
    """What a group of the pattern reads: ``known`` paths have a value, of which there are ``distinct``.

    ``limited``: there are more values than are counted.
    """

    known: int
    distinct: int
    limited: bool


@dataclass(frozen=True)
class PatternReading:
    """What a pattern reads from the paths of a folder.

    Attributes
    ----------
    pattern : str
    paths, matched : int
        How many there are, and how many it matches.
    groups : dict of str to GroupValues
        By the name of the group.
    examples : list of (str, dict of str to str or None)
        Drawn paths that it matches, with the values of its groups.
    unmatched : list of str
        Drawn paths that it does not match.
    lonely_cameras : dict of str to str
        Cameras that see one individual only, with that individual, where both are groups.
    """

    pattern: str
    paths: int
    matched: int
    groups: dict[str, GroupValues] = field(default_factory=dict)
    examples: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    lonely_cameras: dict[str, str] = field(default_factory=dict)

    def known(self, group: str) -> int:
        """Return how many paths have a value of a group."""
        return self.groups[group].known if group in self.groups else 0


class PatternReader:
    """Reads paths one after another.

    Parameters
    ----------
    pattern : str
        A regular expression with named groups.
    seed : int
        Of the examples.
    """

    def __init__(self, pattern: str, *, seed: int) -> None:
        self._rule = re.compile(pattern)
        self._known: Counter[str] = Counter()
        self._values: dict[str, set[str]] = {name: set() for name in self._rule.groupindex}
        self._seen: dict[str, set[str]] = defaultdict(set)  # of each camera, at most two individuals
        self._unmatched = Draw[str](EXAMPLES, seed=seed, purpose="unmatched")
        self._examples = Draw[tuple[str, dict[str, Any]]](EXAMPLES, seed=seed, purpose="matched")
        self._named = Draw[tuple[str, dict[str, Any]]](EXAMPLES, seed=seed, purpose="matched")

    def read(self, path: str) -> None:
        """Read a path."""
        match = self._rule.search(composed(path))
        if match is None:
            self._unmatched.offer(path, path)
            return
        values = {name: value or None for name, value in match.groupdict().items()}
        self._examples.offer(path, (path, values))
        if any(values.values()):
            self._named.offer(path, (path, values))
        for name, value in values.items():
            if value is not None:
                self._known[name] += 1
                if len(self._values[name]) < MOST_VALUES:
                    self._values[name].add(value)
        camera, identity = values.get("camera"), values.get("identity")
        if camera and identity and len(self._seen) < MOST_VALUES and len(self._seen[camera]) < 2:
            self._seen[camera].add(identity)

    def result(self) -> PatternReading:
        """Return what was read; examples are of paths from which something was read, where there are any."""
        examples = self._named if self._named.offered else self._examples
        return PatternReading(
            self._rule.pattern,
            paths=self._examples.offered + self._unmatched.offered,
            matched=self._examples.offered,
            groups={
                name: GroupValues(self._known[name], len(values), len(values) >= MOST_VALUES)
                for name, values in self._values.items()
            },
            examples=examples.drawn(),
            unmatched=self._unmatched.drawn(),
            lonely_cameras={camera: next(iter(its)) for camera, its in sorted(self._seen.items()) if len(its) == 1},
        )
