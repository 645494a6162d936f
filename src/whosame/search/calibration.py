"""Calibration of "nobody near": the similarity below which a query's individual is taken not to be in the gallery."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PROBES = 2000  # images that stand for queries, at most
BLOCK = 256  # probes compared at once
CHANCE = 0.9  # of 1, the sum of both error rates at any threshold where the similarity tells nothing
Z = 1.96  # of a normal distribution's 95 %
FEW = 20  # probes: below, the error rates would be hardly known, and a threshold is not given

Floats = NDArray[np.float64]
Range = tuple[float, float]


class Calibration(NamedTuple):
    """A threshold of the cosine similarity, and how often it errs.

    Attributes
    ----------
    threshold : float
        Below it a query shows nobody in the gallery; -1 where too little is known: every query is near somebody.
    missed : float
        Share of probes whose individual is in the gallery and that score lower: they would be told "nobody near".
    mistaken : float
        Share of probes whose individual is not in the gallery and that score as high: they would be shown another.
    probes : int
        Images that stood for queries.
    individuals : int
        Of these probes.
    source : str
        ``test``: the known identities of the test set, which the network was not trained on; ``names``: those that
        the run has found, whose images it was trained on; empty: neither is enough.
    missed_range, mistaken_range : (float, float)
        95 % intervals of the two shares. Individuals are drawn, not images: those of one individual err together.
    """

    threshold: float
    missed: float
    mistaken: float
    probes: int
    individuals: int
    source: str
    missed_range: Range = (0.0, 1.0)
    mistaken_range: Range = (0.0, 1.0)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Calibration":
        """Return a calibration from the values that a file holds."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        return cls(**values)

    def text(self) -> str:
        """Return in words how far the threshold is to be trusted."""
        if not self.source:
            return "no threshold: fewer than 20 images have a known identity with another image"
        missed, mistaken = (
            f"{share:.0%} ({100 * low:.0f} to {100 * high:.0f})"
            for share, (low, high) in ((self.missed, self.missed_range), (self.mistaken, self.mistaken_range))
        )
        by, trained = f"{self.probes:,} images of {self.individuals:,} individuals of the test set", ""
        if self.source == "names":
            by = f"{self.probes:,} images of {self.individuals:,} names, which the network was trained on"
            trained = "; individuals that were not trained on are missed about twice as often"
        useless = "; so this network cannot tell whether an individual is in the gallery"
        return (
            f"below {self.threshold:.2f}: nobody near. By {by}, {missed} of queries whose individual is in the gallery "
            f"are missed, and {mistaken} of those whose is not are taken for another{trained}"
            f"{useless if self.missed + self.mistaken >= CHANCE else ''}"
        )


NOT_CALIBRATED = Calibration(-1.0, 0.0, 1.0, 0, 0, "")


def calibrate(
    vectors: NDArray[np.float32],
    cameras: NDArray[np.int64],
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    generator: np.random.Generator,
    source: str,
) -> Calibration:
    """Choose the threshold at which the two kinds of error together are rarest.

    Each probe is a query twice: with its individual in the gallery (the best similarity to another image of it, by
    another camera where both are known, as retrieval is scored), and with its individual left out of the gallery (the
    best similarity to any image of any other).

    Parameters
    ----------
    vectors : float32 [M, D]
        Features of length 1, of the whole gallery.
    cameras : int64 [M]
        -1 where unknown.
    labels : int64 [M]
        Individuals; -1 where unknown. An image of unknown identity is in the gallery of every probe.
    rows : int64 [R]
        Those of a known individual that may be probes.
    generator : numpy.random.Generator
        Draws at most 2,000 of them.
    source : str
        See :class:`Calibration`.

    Returns
    -------
    Calibration
        Without a threshold where fewer than 20 rows have another image of their individual.
    """
    drawn = np.sort(generator.permutation(rows)[:PROBES])
    inside, outside = np.empty(len(drawn)), np.empty(len(drawn))
    for begin in range(0, len(drawn), BLOCK):
        probes = drawn[begin : begin + BLOCK]
        near = vectors[probes] @ vectors.T
        own = labels[probes][:, None] == labels[None, :]
        view = (cameras[probes][:, None] == cameras[None, :]) & (cameras[probes][:, None] >= 0)
        itself = np.arange(len(vectors))[None, :] == probes[:, None]
        inside[begin : begin + BLOCK] = np.where(own & ~view & ~itself, near, -np.inf).max(axis=1)
        outside[begin : begin + BLOCK] = np.where(own, -np.inf, near).max(axis=1)
    usable = np.isfinite(inside) & np.isfinite(outside)
    if usable.sum() < FEW:
        return NOT_CALIBRATED
    inside, outside = inside[usable], outside[usable]
    threshold = _best(inside, outside)
    individuals = np.unique(labels[drawn[usable]], return_inverse=True)[1]
    missed, mistaken = inside < threshold, outside >= threshold
    return Calibration(
        threshold,
        float(np.mean(missed)),
        float(np.mean(mistaken)),
        len(inside),
        int(individuals.max()) + 1,
        source,
        interval(missed, individuals),
        interval(mistaken, individuals),
    )


def interval(wrong: NDArray[np.bool_], individuals: NDArray[np.int64]) -> Range:
    """Return Wilson's 95 % interval of a share, with as many images as their dependence within individuals leaves.

    Parameters
    ----------
    wrong : bool [n]
    individuals : int64 [n]
        0 to m - 1.
    """
    n, m, share = len(wrong), int(individuals.max()) + 1, float(np.mean(wrong))
    excess = np.bincount(individuals, wrong - share)
    variance = float((excess**2).sum()) / n**2 * m / max(m - 1, 1)
    effective = min(share * (1 - share) / variance, n) if variance > 0 else m
    middle = (share + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * float(np.sqrt(share * (1 - share) / effective + Z**2 / (4 * effective**2)))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _best(inside: Floats, outside: Floats) -> float:
    """Return the threshold at which the sum of both shares of errors is least, between two neighbouring scores."""
    scores = np.unique(np.concatenate([inside, outside]))
    missed = np.searchsorted(np.sort(inside), scores) / len(inside)
    mistaken = 1 - np.searchsorted(np.sort(outside), scores) / len(outside)
    at = int(np.argmin(missed + mistaken))
    return float((scores[max(at - 1, 0)] + scores[at]) / 2)
