"""Label memory: the answers about pairs, closed under transitivity."""

from collections.abc import Iterable
from itertools import combinations
from operator import index
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Verdict

Outcome = Literal["new", "implied", "conflict"]


class LabelMemory:
    """Answers about pairs of training images, closed under transitivity.

    "Same" answers are must-links and join images to components; "different" answers are cannot-links between
    components. Two images of one component are the same person, two of components with a cannot-link are not, and
    nothing is known about any others. Rows of the training set need not be declared: the memory grows.

    A contradiction changes nothing: **the earlier answers hold**. It is kept in :attr:`conflicts`. An "unsure" answer
    adds nothing about identity, but the pair is not asked again.

    Notes
    -----
    A component is named by its smallest row, so that names depend on the answers and not on their order.
    An answer costs O(α) plus the cannot-links of the component that loses its name.

    References
    ----------
    Wang et al., *Leveraging transitive relations for crowdsourced joins*, SIGMOD 2013 (methods.md, Label memory).

    Examples
    --------
    >>> memory = LabelMemory()
    >>> memory.add(0, 1, same=True), memory.add(1, 2, same=False)
    ('new', 'new')
    >>> memory.implied(2, 0), memory.implied(2, 3)
    (False, None)
    >>> memory.add(0, 2, same=True)  # contradicts the two answers above
    'conflict'
    """

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}  # union-find forest; roots are the smallest rows
        self._apart: dict[int, set[int]] = {}  # root -> roots of other people
        self._skipped: set[tuple[int, int]] = set()
        self._log: list[tuple[int, int, Verdict]] = []
        self._conflicts: list[tuple[int, int, bool]] = []

    @classmethod
    def from_log(cls, a: Iterable[int], b: Iterable[int], verdict: Iterable[str]) -> Self:
        """Rebuild a memory from the columns of its :attr:`log`, in order.

        Raises
        ------
        ValueError
            The columns differ in length, or a verdict is none of same, different, unsure.
        """
        memory = cls()
        for left, right, found in zip(a, b, verdict, strict=True):
            if found not in ("same", "different", "unsure"):
                raise ValueError(f"a verdict is 'same', 'different' or 'unsure', not {found!r}")
            memory.skip(left, right) if found == "unsure" else memory.add(left, right, found == "same")
        return memory

    @classmethod
    def from_labels(cls, labels: NDArray[np.int64]) -> Self:
        """Return the memory in which every pair of labelled images is decided.

        Parameters
        ----------
        labels : int64 [N]
            Nothing is known about an image whose label is negative.
        """
        memory = cls()
        first: dict[int, int] = {}
        for row in np.flatnonzero(labels >= 0).tolist():
            root = first.setdefault(int(labels[row]), row)
            if root != row:
                memory.add(root, row, same=True)
        for a, b in combinations(first.values(), 2):
            memory.add(a, b, same=False)
        return memory

    def copy(self) -> Self:
        """Return an independent memory with the same answers."""
        other = type(self)()
        vars(other).update(
            _parent=self._parent.copy(),
            _apart={root: others.copy() for root, others in self._apart.items()},
            _skipped=self._skipped.copy(),
            _log=self._log.copy(),
            _conflicts=self._conflicts.copy(),
        )
        return other

    def __len__(self) -> int:
        return len(self._log)

    @property
    def log(self) -> list[tuple[int, int, Verdict]]:
        """Every call of :meth:`add` and :meth:`skip` as (a, b, verdict) with a < b, in order, conflicts included."""
        return self._log.copy()

    @property
    def conflicts(self) -> list[tuple[int, int, bool]]:
        """The answers that contradicted earlier ones and changed nothing, as (a, b, same) with a < b."""
        return self._conflicts.copy()

    def add(self, a: int, b: int, same: bool) -> Outcome:
        """Add the answer to "are rows ``a`` and ``b`` the same person?".

        Returns
        -------
        str
            ``new`` if it adds knowledge, ``implied`` if it was known already, ``conflict`` if it contradicts earlier
            answers: then they hold, and this one is only kept in :attr:`conflicts`.

        Raises
        ------
        ValueError
            A row is negative or asked about itself.
        TypeError
            ``same`` is not a truth value.
        """
        if not isinstance(same, (bool, np.bool_)):
            raise TypeError(f"same is True or False, not {same!r}; for 'unsure' call skip")
        a, b = _pair(a, b)
        known = self.implied(a, b)
        self._log.append((a, b, "same" if same else "different"))
        if known is not None:
            if known == same:
                return "implied"
            self._conflicts.append((a, b, bool(same)))
            return "conflict"
        first, second = sorted((self._find(a), self._find(b)))
        for row in (a, b):
            self._parent.setdefault(row, row)
        if same:
            self._join(first, second)
        else:
            self._apart.setdefault(first, set()).add(second)
            self._apart.setdefault(second, set()).add(first)
        return "new"

    def skip(self, a: int, b: int) -> None:
        """Add "unsure": nothing about identity, but the pair is settled and not asked again."""
        a, b = _pair(a, b)
        self._skipped.add((a, b))
        self._log.append((a, b, "unsure"))

    def implied(self, a: int, b: int) -> bool | None:
        """Return what follows from the answers about a pair; None if they do not decide it."""
        first, second = self._find(a), self._find(b)
        if first == second:
            return True
        return False if second in self._apart.get(first, ()) else None

    def settled(self, a: int, b: int) -> bool:
        """Return whether a pair need not be asked: its answer is implied, or was "unsure"."""
        return (min(a, b), max(a, b)) in self._skipped or self.implied(a, b) is not None

    def must_link_roots(self, n: int) -> NDArray[np.int64]:
        """Return for each of ``n`` rows the smallest row of its must-link component, int64 [n].

        Raises
        ------
        ValueError
            The memory holds answers about rows outside 0..n-1.
        """
        self._check(n)
        roots = np.arange(n, dtype=np.int64)
        for row in self._parent:
            roots[row] = self._find(row)
        return roots

    def cannot_links(self) -> NDArray[np.int64]:
        """Return the pairs of component roots that are different people, int64 [m, 2], a < b, sorted."""
        pairs = sorted((root, other) for root, others in self._apart.items() for other in others if root < other)
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def query_counts(self, n: int) -> NDArray[np.int64]:
        """Return how often each of ``n`` rows was in an answered pair ("unsure" counts too), int64 [n].

        Raises
        ------
        ValueError
            The memory holds answers about rows outside 0..n-1.
        """
        self._check(n)
        rows = np.array([row for a, b, _ in self._log for row in (a, b)], dtype=np.int64)
        return np.bincount(rows, minlength=n).astype(np.int64)

    def _find(self, row: int) -> int:
        root = row
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(row, root)) != root:
            self._parent[row], row = root, parent
        return root

    def _join(self, kept: int, lost: int) -> None:
        self._parent[lost] = kept
        for other in self._apart.pop(lost, set()):
            self._apart[other].remove(lost)
            self._apart[other].add(kept)
            self._apart.setdefault(kept, set()).add(other)

    def _check(self, n: int) -> None:
        largest = max((b for _, b, _ in self._log), default=-1)
        if largest >= n:
            raise ValueError(f"the memory holds an answer about row {largest}, but there are only {n} rows")


def _pair(a: int, b: int) -> tuple[int, int]:
    a, b = index(a), index(b)
    if a == b or min(a, b) < 0:
        raise ValueError(f"an answer is about two different rows from 0 on, not ({a}, {b})")
    return min(a, b), max(a, b)
