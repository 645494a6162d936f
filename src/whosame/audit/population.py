"""Population of an audit: images, the groups that the names make of them, and the probabilities of each draw."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from whosame.audit.similarity import Numbers, Rows, Similarity, Vectors

MIX = (0.5, 0.3, 0.2)  # draws of another group: by rank, by probability, by size alone
DECAY = 2.0  # the k-th nearest group is drawn with a probability that falls as (k + HEAD) ** -DECAY
HEAD = 2.0
OTHERS = 20.0  # a head at rank k comes before an other image at rank k / OTHERS
TEMPERATURE = 3.0  # log likelihood ratios are overconfident by this factor
DRAWN = 0.5  # weight of a head whose answer is certain; 1 where it is open
BLOCK = 512  # images compared with all groups at once
TINY = 1e-12


class Population:
    """Images in groups: the identities, and each outlier alone.

    The *head* of a group is its most central image. Groups have an order, large ones first; the first image of an
    individual, its *root*, is its head in the first group where it has one, else its image in the first group.

    Parameters
    ----------
    labels : int64 [N]
        Identities; -1 is an outlier.
    features : float32 [N, D]
        What similarity is measured with.
    p : float64 [N]
        Probability that the name of an image is right. Features and p decide what is drawn how often, and nothing
        else: where they are bad, intervals become wide, not wrong.

    Attributes
    ----------
    group : int64 [N]
    sizes, heads : int64 [G]
    identities, within_pairs : int
        Names, and pairs of images of one name.
    many : int
        Groups of two or more images.
    roots_expected : float
        Heads that are expected to be roots.
    """

    def __init__(self, labels: Rows, features: Vectors, p: Numbers) -> None:
        alone = labels < 0
        self.identities = len(np.unique(labels[~alone]))
        names = labels.copy()
        names[alone] = labels.max(initial=-1) + 1 + np.arange(alone.sum())
        _, self.group, self.sizes = np.unique(names, return_inverse=True, return_counts=True)
        self.many = int((self.sizes > 1).sum())
        self.within_pairs = int((self.sizes * (self.sizes - 1) // 2).sum())
        begin = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self._members: list[Rows] = np.split(np.argsort(self.group, kind="stable"), begin[1:])
        self._points = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), TINY)
        self._means = np.stack([self._points[rows].mean(axis=0) for rows in self._members])
        self._similarity = Similarity(self._points, self._means, self.group, self.sizes)
        squares = ((self._points - self._means[self.group]) ** 2).sum(axis=1).astype(np.float64)
        self.heads = np.lexsort((squares, self.group))[begin]
        self._is_head = np.zeros(len(labels), dtype=bool)
        self._is_head[self.heads] = True
        self._place = np.empty(self.groups, dtype=np.int64)
        self._place[np.argsort(-self.sizes, kind="stable")] = np.arange(self.groups)
        size = self.sizes[self.group].astype(np.float64)
        rival, before = self._rivals()
        own = self._similarity.ratio(squares, np.ones(len(size)), size)
        self._by_margin, self._by_rival = np.argsort(own - rival, kind="stable"), np.argsort(rival, kind="stable")
        even = (size > 1).astype(np.float64)
        doubt = even * (0.05 + np.sqrt(np.clip(1 - p, 0, 1)))
        self._inside = _mixture((0.6, size - 1), (0.2, even), (0.2, doubt))
        self._member = _mixture((0.8, even), (0.2, doubt))
        self._anchor = _mixture((0.5, np.ones(len(size))), (0.5, 1 / size))
        known = expit(before / TEMPERATURE)
        self._root = 1 - known
        self._by_chance = np.argsort(before, kind="stable")
        self._head = _mixture((1.0, DRAWN + np.sqrt(known * (1 - known))))
        self.roots_expected = float(self._root.sum())

    def __len__(self) -> int:
        return len(self.group)

    @property
    def groups(self) -> int:
        """Identities and outliers."""
        return len(self.sizes)

    def size(self, row: int) -> int:
        """Return the number of images in the group of an image."""
        return int(self.sizes[self.group[row]])

    def members(self, group: int) -> Rows:
        """Return the images of a group."""
        return self._members[group]

    def mates(self, row: int) -> Rows:
        """Return the other images in the group of an image."""
        rows = self._members[self.group[row]]
        return np.asarray(rows[rows != row])

    def draw_inside(self, share: float) -> int:
        """Return an image of an identity of two or more, at a share (0 to below 1) of the way through all draws."""
        return _at(self._by_margin, self._inside, share)

    def inside_pair(self, a: int, b: int) -> float:
        """Return the probability that a pair of one identity is drawn: one of it, then any other of its identity."""
        return float(self._inside[a] + self._inside[b]) / (self.size(a) - 1)

    def draw_member(self, share: float) -> tuple[int, float]:
        """Return an image of an identity of two or more, all about alike, and its probability."""
        row = _at(self._by_margin, self._member, share)
        return row, float(self._member[row])

    def draw_anchor(self, share: float) -> int:
        """Return an image whose individual may also be in other groups."""
        return _at(self._by_rival, self._anchor, share)

    def draw_head(self, share: float) -> tuple[int, float, float]:
        """Return a head, the chance that it is a root as the features have it, and its probability to be drawn."""
        group = _at(self._by_chance, self._head, share)
        return int(self.heads[group]), float(self._root[group]), float(self._head[group])

    def near(self, row: int) -> Numbers:
        """Return the probability of each group to be compared with an image, float64 [G]; 0 for its own.

        A mixture: the nearest groups by rank, all groups by how probable they are, all images alike. Near is a group
        that is near to the image or to its own group.
        """
        own, size = self.group[row], np.sqrt(self.sizes)
        ratios = self._ratios(row)
        ratios[:, own] = -np.inf
        rank = np.empty(ratios.shape)
        np.put_along_axis(rank, np.argsort(-ratios, axis=1, kind="stable"), np.arange(self.groups)[None], axis=1)
        by_rank = ((rank + HEAD) ** -DECAY).sum(axis=0) * size
        probable = np.sqrt(expit(ratios.max(axis=0) / TEMPERATURE)) * size
        weights = (by_rank, probable, self.sizes.astype(np.float64))
        for weight in weights:
            weight[own] = 0
        q = _mixture(*zip(MIX, weights, strict=True))
        return np.asarray(q / q.sum())

    def across_pair(self, a: int, b: int, near_a: Numbers) -> float:
        """Return the probability that a pair of two groups is drawn, from either end."""
        there = self._anchor[a] * near_a[self.group[b]] / self.size(b)
        back = self._anchor[b] * self.near(b)[self.group[a]] / self.size(a)
        return float(there + back)

    def before(self, row: int) -> Rows:
        """Return the images before one that can be roots if it is not, the likeliest to be the same first.

        Of a head these are the heads of earlier groups. Of another image, which is not the same as its own head, they
        are all other heads and the images of earlier groups.
        """
        own = self.group[row]
        ratio = self._ratios(row).max(axis=0)
        earlier = self._place < self._place[own]
        groups = np.flatnonzero(earlier if self._is_head[row] else np.arange(self.groups) != own)
        heads = self.heads[groups[np.argsort(-ratio[groups], kind="stable")]]
        if self._is_head[row]:
            return np.asarray(heads)
        others = np.flatnonzero(earlier[self.group] & ~self._is_head)
        others = others[np.argsort(-(self._points[others] @ self._points[row]), kind="stable")]
        place = np.concatenate([np.arange(len(heads)), OTHERS * np.arange(1, len(others) + 1)])
        return np.asarray(np.concatenate([heads, others])[np.argsort(place, kind="stable")])

    def _ratios(self, row: int) -> Numbers:
        """Return the log likelihood ratios of each group with an image and with its group, float64 [2, G]."""
        own = self.group[row]
        sizes = np.array([1, self.sizes[own]], dtype=np.float64)
        return self._similarity.to_groups(np.stack([self._points[row], self._means[own]]), sizes)

    def _rivals(self) -> tuple[Numbers, Numbers]:
        """Return the ratio of each image with the nearest other group, and of each group with the nearest before it."""
        rival, before = np.empty(len(self)), np.empty(self.groups)
        for begin in range(0, len(self), BLOCK):
            rows = np.arange(begin, min(begin + BLOCK, len(self)))
            ratio = self._similarity.to_groups(self._points[rows], np.ones(len(rows)))
            ratio[np.arange(len(rows)), self.group[rows]] = -np.inf
            rival[rows] = ratio.max(axis=1)
        for begin in range(0, self.groups, BLOCK):
            groups = np.arange(begin, min(begin + BLOCK, self.groups))
            ratio = self._similarity.to_groups(self._means[groups], self.sizes[groups].astype(np.float64))
            ratio[self._place[groups][:, None] <= self._place] = -np.inf
            before[groups] = ratio.max(axis=1)
        return rival, before


def _at(order: Rows, weight: Numbers, share: float) -> int:
    """Return the row at a share of the weight, in an order."""
    reached = np.cumsum(weight[order])
    return int(order[min(int(np.searchsorted(reached, share * reached[-1], side="right")), len(order) - 1)])


def _mixture(*parts: tuple[float, NDArray[np.float64]]) -> Numbers:
    """Return a mixture of distributions that are proportional to weights; a part without weight is left out."""
    shares = [share * weight / weight.sum() for share, weight in parts if weight.sum() > 0]
    mixed = np.sum(shares, axis=0) if shares else np.zeros(len(parts[0][1]))
    return np.asarray(mixed / max(mixed.sum(), TINY))
