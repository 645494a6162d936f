"""Label memory: the answers about pairs, closed under transitivity."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from operator import index
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Known, Verdict

Outcome = Literal["new", "implied", "conflict"]


class LabelMemory:
    """Answers about pairs of training images, closed under transitivity.

    "Same" answers are must-links and join images to components; "different" answers are cannot-links between
    components. Two images of one component are the same person, two of components with a cannot-link are not, and
    nothing is known about any others. Rows of the training set need not be declared: the memory grows.

    What is :class:`~whosame.questions.Known` before any answer holds over all answers. Its images of one individual or
    encounter are one component; components of two individuals differ, without a cannot-link for each pair of them:
    thousands of individuals would have millions.

    A contradiction changes nothing: **the earlier answers hold**. It is kept in :attr:`conflicts`. An "unsure" answer
    adds nothing about identity, but the pair is not asked again.

    Parameters
    ----------
    known : Known, optional
        What is known before the first answer.

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

    def __init__(self, known: Known | None = None) -> None:
        self._known = known
        self._individual: dict[int, int] = {}  # root -> number of the individual, where it is known
        self._parent: dict[int, int] = {}  # union-find forest; roots are the smallest rows
        self._apart: dict[int, set[int]] = {}  # root -> roots of other people
        self._skipped: set[tuple[int, int]] = set()
        self._log: list[tuple[int, int, Verdict]] = []
        self._conflicts: list[tuple[int, int, bool]] = []
        if known is not None:
            for numbers in (known.encounters, known.individuals):
                self._unite(numbers)
            for row in np.flatnonzero(known.individuals >= 0).tolist():
                self._individual[self._find(row)] = int(known.individuals[row])

    @classmethod
    def from_log(cls, a: Iterable[int], b: Iterable[int], verdict: Iterable[str], known: Known | None = None) -> Self:
        """Rebuild a memory from the columns of its :attr:`log`, in order, and what was known before.

        Raises
        ------
        ValueError
            The columns differ in length, or a verdict is none of same, different, unsure.
        """
        memory = cls(known)
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
        return cls(Known(labels, np.full(len(labels), -1, np.int64)))

    def since(self, earlier: int) -> Self:
        """Return the memory without the first ``earlier`` entries of the :attr:`log`; what was known before stays."""
        own = self._log[earlier:]
        return type(self).from_log(
            [a for a, _, _ in own], [b for _, b, _ in own], [verdict for _, _, verdict in own], self._known
        )

    def copy(self) -> Self:
        """Return an independent memory with the same answers."""
        other = type(self)()
        vars(other).update(
            _known=self._known,
            _individual=self._individual.copy(),
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
        if second in self._apart.get(first, ()) or (first in self._individual and second in self._individual):
            return False  # all images of an individual are one component
        return None

    def settled(self, a: int, b: int) -> bool:
        """Return whether a pair need not be asked: its answer is implied, or was "unsure"."""
        return (min(a, b), max(a, b)) in self._skipped or self.implied(a, b) is not None

    def settled_among(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some pairs of rows are settled, bool [P]; fast where few rows are in any answer."""
        mentioned = np.array([*self._parent, *(row for pair in self._skipped for row in pair)], np.int64)
        found = np.isin(first, mentioned) & np.isin(second, mentioned)
        for at in np.flatnonzero(found).tolist():
            found[at] = self.settled(int(first[at]), int(second[at]))
        return found

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

    @property
    def known(self) -> Known | None:
        """What was known before any answer."""
        return self._known

    def individuals(self, n: int) -> NDArray[np.int64]:
        """Return for each of ``n`` rows the number of its component's individual, -1 where unknown, int64 [n]."""
        numbers = np.full(n, -1, np.int64)
        for root, number in self._individual.items():
            numbers[root] = number
        return numbers[self.must_link_roots(n)]

    def parted(self) -> list[int]:
        """Return the component roots that are known to be other people than another component, ascending."""
        named = self._individual if len(self._individual) > 1 else {}
        return sorted({root for root, others in self._apart.items() if others}.union(named))

    def differing(self, roots: Iterable[int]) -> list[tuple[int, int]]:
        """Return which of some component roots are different people, as pairs (a, b), a < b, sorted."""
        some = set(roots)
        pairs = {(a, b) for a in some for b in self._apart.get(a, set()) & some if a < b}
        pairs.update(combinations(sorted(some & self._individual.keys()), 2))
        return sorted(pairs)

    def differ(self, first: Sequence[int], second: Sequence[int]) -> bool:
        """Return whether a component root of the first and one of the second are known to be different people."""
        others = set(second)
        if any(not self._apart[root].isdisjoint(others) for root in first if root in self._apart):
            return True
        one, other = ({root for root in roots if root in self._individual} for roots in (first, second))
        return bool(one) and bool(other) and len(one | other) > 1

    def cannot_links(self) -> NDArray[np.int64]:
        """Return the pairs of component roots that answers make different people, int64 [m, 2], a < b, sorted.

        Those of two known individuals are not listed: :meth:`individuals` has them, and so has :meth:`differing`.
        """
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

    def _unite(self, numbers: NDArray[np.int64]) -> None:
        """Make one component of the rows of each number from 0 on."""
        first: dict[int, int] = {}
        for row in np.flatnonzero(numbers >= 0).tolist():
            self._parent.setdefault(row, row)
            kept, lost = sorted((self._find(first.setdefault(int(numbers[row]), row)), self._find(row)))
            self._parent[lost] = kept

    def _join(self, kept: int, lost: int) -> None:
        self._parent[lost] = kept
        if lost in self._individual:
            self._individual[kept] = self._individual.pop(lost)
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
