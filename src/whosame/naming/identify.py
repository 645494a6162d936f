"""Identities of all images: clusters that obey every answer, and images whose cluster is clear without one."""

import dataclasses
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from whosame.clustering import OUTLIER, Clustering, enforce
from whosame.memory import LabelMemory
from whosame.naming.config import NamingConfig
from whosame.naming.identity_names import name_identities
from whosame.naming.membership import fit_membership, membership
from whosame.naming.name_changes import stay
from whosame.naming.names_before import NamesBefore
from whosame.strategies.base import RoundState
from whosame.strategies.gain.assignment import assign_clear
from whosame.strategies.gain.value import GainConfig, groups_of

Known = Literal["catalogue", "encounter", "answered", "clustered", "assigned", "outlier"]
KNOWN: Sequence[Known] = get_args(Known)
GIVEN: Sequence[Known] = ("catalogue", "encounter")  # before any question


@dataclasses.dataclass(frozen=True, eq=False)
class Identified:
    """Identities of N images.

    Attributes
    ----------
    labels : int64 [N]
        Identities 0..C-1 by smallest row; -1 is an outlier, of which no identity is known.
    known : str [N]
        ``catalogue``: its individual was known before any question; ``encounter``: it is of the burst or track of
        another image, and nothing more is known; ``answered``: the answers say that another image of the identity
        shows the same individual; ``clustered``: joined by a cluster; ``assigned``: an outlier or an image of another
        cluster, moved to the identity that it belongs to clearly, or kept in the one that it had; ``outlier``.
    p : float64 [N]
        Probability that this is right: that the image belongs to its identity, or, of an outlier, to none; 1 for the
        first three.
    looks : float64 [N], optional
        The same by looks alone, before images were kept in the identities that they had.
    """

    labels: NDArray[np.int64]
    known: NDArray[np.str_]
    p: NDArray[np.float64]
    looks: NDArray[np.float64] | None = None


def identify(
    vectors: NDArray[np.float32],
    clustering: Clustering,
    cameras: NDArray[np.int64],
    memory: LabelMemory,
    generator: np.random.Generator,
    config: NamingConfig,
    model: GainConfig,
    table_before: NamesBefore | None = None,
) -> Identified:
    """Give every image an identity, or mark it as an outlier. No answer is overruled.

    Parameters
    ----------
    vectors : float32 [N, D]
        That were clustered.
    clustering : Clustering
        Of these vectors, before any answer.
    cameras : int64 [N]
        -1 where unknown.
    memory : LabelMemory
        Every answer. Of contradictory ones the earlier holds.
    generator : numpy.random.Generator
        Draws the sample that the two-covariance model is made on.
    config : NamingConfig
    model : GainConfig
        The two-covariance model, as the strategy ``gain`` has it.
    table_before : NamesBefore, optional
        An image stays with the identity that it had there, unless its change has a cause:
        :func:`whosame.naming.name_changes.causes`.

    Returns
    -------
    Identified
        The images of a must-link have one identity; those of a cannot-link have two, or one is an outlier.
    """
    raw = RoundState(
        vectors, clustering.graph, clustering.labels, 0, cameras=cameras, memory=memory, generator=generator
    )
    weights = fit_membership(groups_of(raw, model), memory, model.neighbours)
    before = enforce(clustering.labels, vectors, memory)
    state = dataclasses.replace(raw, labels=before)
    if config.assign:
        placed = assign_clear(groups_of(state, model), memory, clear=config.clear, neighbours=model.neighbours)
        p = membership(groups_of(dataclasses.replace(raw, labels=placed), model), weights, model.neighbours)
        state = dataclasses.replace(raw, labels=_keep_clear(before, placed, p >= config.clear))
    labels = enforce(state.labels, vectors, memory)
    looks = p = membership(groups_of(dataclasses.replace(raw, labels=labels), model), weights, model.neighbours)
    if table_before is not None and any(table_before.names):
        rows = [str(row) for row in range(len(labels))]
        names = name_identities(labels, rows, table_before.by_row, table_before.fixed)
        labels = stay(labels, names, table_before, looks, memory, config.clear)
        p = membership(groups_of(dataclasses.replace(raw, labels=labels), model), weights, model.neighbours)
    p = p.copy()
    named, together, answered = _certain(memory, len(labels))
    p[named | answered] = 1.0
    choices = {
        "catalogue": named,
        "outlier": labels == OUTLIER,
        "encounter": together,
        "answered": answered,
        "assigned": _moved(before, labels),
    }
    return Identified(labels, np.select([*choices.values()], [*choices], "clustered"), p, looks)


def _keep_clear(before: NDArray[np.int64], placed: NDArray[np.int64], clear: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the labels before the assignment, with those images moved that are clearly where it placed them."""
    moved = _moved(before, placed) & clear & (placed != OUTLIER)
    labels = before.copy()
    labels[moved] = _origins(before, placed)[placed[moved]]
    sizes = np.bincount(labels[labels != OUTLIER])
    labels[(labels != OUTLIER) & (sizes[labels] < 2)] = OUTLIER
    return labels


def _certain(memory: LabelMemory, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the images of a catalogue, those that an encounter alone joins to others, and all that are joined."""
    now, before = (_sizes(each, n) for each in (memory, LabelMemory(memory.known)))
    named = np.zeros(n, bool) if memory.known is None else memory.known.individuals >= 0
    return named, (before > 1) & (now == before), now > 1


def _sizes(memory: LabelMemory, n: int) -> NDArray[np.int64]:
    """Return the number of images in each image's must-link component, int64 [N]."""
    roots = memory.must_link_roots(n)
    return np.bincount(roots, minlength=n)[roots]


def _moved(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which images are in a cluster that grew from another one than theirs, bool [N]."""
    origins = np.append(_origins(before, after), OUTLIER)  # an outlier's label is -1, the last
    moved: NDArray[np.bool_] = (before == OUTLIER) | (origins[after] != before)
    return moved


def _origins(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each cluster after an assignment the cluster before that most of its images are of, int64 [C]."""
    inside = np.flatnonzero((before != OUTLIER) & (after != OUTLIER))
    pairs, counts = np.unique(np.stack([after[inside], before[inside]], axis=1), axis=0, return_counts=True)
    order = np.lexsort((-counts, pairs[:, 0]))
    clusters, first = np.unique(pairs[order, 0], return_index=True)
    origins = np.full(int(after.max(initial=OUTLIER)) + 1, OUTLIER)
    origins[clusters] = pairs[order[first], 1]
    return origins
