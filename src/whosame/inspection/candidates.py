"""Estimate without labels: do the features find pairs of one individual? (docs/own-folder.md has what it is worth.).

Two things are measured, both on cosines of features:

- **stable**: does an image keep its neighbours when a part of it is cut out? If not, they are not near for what the
  image shows, but by chance among many that look alike, and nothing else the features find is to be trusted.
- **matched**: are nearest other images nearer than they would be by chance? Chance is a set of as many points with the
  same mean and covariance and no groups; the other end of the scale is two crops of one image. The median's place
  between the two is taken as the share of images whose nearest other image shows the same individual.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.features.centring import centre_by_camera
from whosame.inspection.first_questions import FIRST, FirstQuestions
from whosame.inspection.sample_features import SampleFeatures
from whosame.seeding import stream

LOST = 0.35  # share of crops that keep a neighbour, below which the features tell no images apart
KEPT = 3  # nearest other images of the whole, one of which is to be the nearest of its crop
HARD = 0.4  # "same" among the first questions, a share of matched: what is clear is clustered and not asked about
RANGE = (0.1, 0.9)  # … in the sets that this was tried on
BLOCK = 1024  # rows of a block of cosines


@dataclass(frozen=True, eq=False)
class CandidateEstimate:
    """What the features of a sample are expected to find.

    Attributes
    ----------
    stable, matched : float
        As above, from 0 to 1: the share of crops whose nearest other image is among the ``KEPT`` nearest of the whole
        image; the share of images whose nearest other image shows the same individual.
    nearest, chance : float32 [n]
        Cosine of each image to its nearest other one; the same of points without groups.
    crops : float32 [m]
        Cosine of two crops of one image.
    random : float32 [n]
        Cosine of random pairs.
    partner : int64 [n]
        Row of the nearest other image.
    strategy : str
        Whose first questions are expected.
    questions : int64 [q, 2]
        Rows of their images, at most ``FIRST``.
    asked : float32 [q]
        Cosines of these.
    """

    stable: float
    matched: float
    nearest: NDArray[np.float32]
    chance: NDArray[np.float32]
    crops: NDArray[np.float32]
    random: NDArray[np.float32]
    partner: NDArray[np.int64]
    strategy: str
    questions: NDArray[np.int64]
    asked: NDArray[np.float32]

    @property
    def lost(self) -> bool:
        """Whether the features do not tell images apart that look alike."""
        return self.stable < LOST

    @property
    def share(self) -> float:
        """Expected share of "same" among the first questions."""
        return 0.0 if self.lost else HARD * self.matched

    @property
    def same(self) -> tuple[int, int, int]:
        """How many of ``FIRST`` questions are expected to be "same": about, at least, at most."""
        if self.lost:
            return 0, 0, 1
        low, high = (share * self.matched * FIRST for share in RANGE)
        return round(self.share * FIRST), int(low), int(np.ceil(high))

    @property
    def why(self) -> str:
        """What speaks for the estimate, in words."""
        if self.lost:
            return (
                f"cut a part out of an image, and it has other neighbours: only {self.stable:.0%} keep one. They see a "
                "texture or a colour that many images share, not what an image shows"
            )
        return (
            f"nearest images are about as near as by chance in {1 - self.matched:.0%} of the cases, "
            f"{np.median(self.nearest):.2f} against {np.median(self.chance):.2f} by chance and "
            f"{np.median(self.crops):.2f} for two crops of one image (median cosines)"
        )

    def pairs(self, count: int) -> NDArray[np.int64]:
        """Return nearest pairs, each once, evenly from the nearest to the farthest, int64 [p, 2]."""
        rows = np.arange(len(self.partner))
        once = rows[(self.partner[self.partner] != rows) | (rows < self.partner)]
        ordered = once[np.argsort(-self.nearest[once], kind="stable")]
        chosen = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(np.int64))
        return np.stack([ordered[chosen], self.partner[ordered[chosen]]], axis=1)


def estimate_candidates(
    features: SampleFeatures, cameras: NDArray[np.int64], first: FirstQuestions, *, centre: bool, seed: int
) -> CandidateEstimate:
    """Compare nearest neighbours with chance and with crops of the same image.

    Parameters
    ----------
    features : SampleFeatures
        Of n images.
    cameras : int64 [n]
        -1 where unknown.
    first : FirstQuestions
    centre : bool
        Whether features are centred by camera, as in the run.
    seed : int
    """
    whole, (one, other) = features.images.vectors, features.crops
    if centre:
        both = np.concatenate([cameras, *[cameras[features.cropped]] * 2])
        parts = centre_by_camera(np.concatenate([whole, one, other]), both)
        whole, one, other = np.split(parts, [len(whole), len(whole) + len(one)])
    generator = stream(seed, "look", "chance")
    nearest, partner = _nearest(whole)
    chance, _ = _nearest(_without_groups(whole, generator))
    crops = (one * other).sum(axis=1)
    low, high = float(np.median(chance)), float(np.median(crops))
    matched = (float(np.median(nearest)) - low) / max(high - low, 1e-6)
    shuffled = generator.permutation(len(whole))
    return CandidateEstimate(
        stable=_kept(whole, features.cropped, (one, other)),
        matched=min(max(matched, 0.0), 1.0),
        nearest=nearest,
        chance=chance,
        crops=crops,
        random=(whole[shuffled] * whole[np.roll(shuffled, 1)]).sum(axis=1),
        partner=partner,
        strategy=first.strategy,
        questions=first.pairs,
        asked=(whole[first.pairs[:, 0]] * whole[first.pairs[:, 1]]).sum(axis=1),
    )


def _nearest(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the cosine to each row's nearest other row, and that row."""
    cosine, row = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.int64)
    for begin in range(0, len(vectors), BLOCK):
        block = vectors[begin : begin + BLOCK] @ vectors.T
        here = np.arange(len(block))
        block[here, begin + here] = -np.inf
        row[begin : begin + BLOCK] = block.argmax(axis=1)
        cosine[begin : begin + BLOCK] = block.max(axis=1)
    return cosine, row


def _kept(whole: NDArray[np.float32], rows: NDArray[np.int64], crops: Sequence[NDArray[np.float32]]) -> float:
    """Return the share of crops whose nearest other image is among the nearest of the whole image."""
    here = np.arange(len(rows))
    cosines = whole[rows] @ whole.T
    cosines[here, rows] = -np.inf
    near = np.argsort(-cosines, axis=1, kind="stable")[:, :KEPT]
    kept = []
    for parts in crops:
        cosines = parts @ whole.T
        cosines[here, rows] = -np.inf
        kept.append((near == cosines.argmax(axis=1)[:, None]).any(axis=1))
    return float(np.mean(kept))


def _without_groups(vectors: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return as many points of length 1 with the mean and the covariance of these, normally distributed."""
    n = len(vectors)
    mean = vectors.mean(axis=0)
    mixture = generator.normal(size=(n, n)).astype(np.float32) / np.float32(np.sqrt(max(n - 1, 1)))
    points = mean + mixture @ (vectors - mean)
    normalised: NDArray[np.float32] = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    return normalised
