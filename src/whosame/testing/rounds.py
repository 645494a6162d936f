"""A drawn round state, small enough for tests."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from whosame.clustering import neighbours
from whosame.strategies.base import RoundState

PEOPLE = 12
NEAR = 0.8  # cosine distance up to which two images are neighbours in the drawn graph


def round_state(
    features: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    graph: csr_array | Mapping[tuple[int, int], float] | None = None,
    images: int = 96,
    budget: int = 20,
    seed: int = 0,
    **fields: Any,
) -> RoundState:
    """Return the state of a round.

    Without features everything is drawn: image i shows person i % 12, every fourth cluster holds two people, every
    third person lies in two clusters, and some images are outliers. With features only they are given: without labels
    all images are outliers, and other fields are those of a :class:`RoundState`.

    Parameters
    ----------
    features : array_like [N, D], optional
        L2-normalised where the strategy needs it.
    labels : array_like [N], optional
        -1 is an outlier.
    graph : scipy.sparse.csr_array, float32 [N, N], or mapping of (int, int) to float, optional
        Distances; a mapping has each pair once. Left out, it holds the cosine distances up to 0.8.
    images : int
        N, where neither features nor labels are given.
    budget : int
        Questions of the round.
    seed : int
        Of the state's generator. What is drawn here does not depend on it.
    **fields
        Other fields of :class:`RoundState`.

    Returns
    -------
    RoundState
        Its arrays are read-only, as strategies must not write to them.

    Examples
    --------
    >>> state = round_state(budget=5)
    >>> state.features.shape, state.budget
    ((96, 16), 5)
    >>> round_state([[0.0, 1.0], [1.0, 0.0]], [0, 0]).cameras.tolist()
    [-1, -1]
    """
    if features is None:
        images = images if labels is None else len(np.asarray(labels))
        points, drawn = _drawn(images)
        if labels is None:
            labels = drawn.pop("labels")
        fields = drawn | {"labels": labels} | fields
    else:
        points = np.array(features, np.float32)
        fields["labels"] = np.full(len(points), -1) if labels is None else labels
    for name in ("labels", "cameras", "query_counts", "nearest"):
        if fields.get(name) is not None:
            fields[name] = np.array(fields[name], np.int64)
    if graph is None:
        graph = _cosine_graph(points)
    elif isinstance(graph, Mapping):
        graph = _graph_of(graph, len(points))
    fields = {"generator": np.random.default_rng(seed)} | fields
    state = RoundState(features=points, graph=graph, budget=budget, **fields)
    for array in arrays(state).values():
        array.flags.writeable = False
    return state


def arrays(state: RoundState) -> dict[str, NDArray[Any]]:
    """Return all arrays of a state by name."""
    found = {name: value for name, value in vars(state).items() if isinstance(value, np.ndarray)}
    return found | {f"graph.{part}": getattr(state.graph, part) for part in ("data", "indices", "indptr")}


def content(state: RoundState) -> dict[str, Any]:
    """Return everything in a state that a strategy could change, in a form that compares."""
    content: dict[str, Any] = {name: array.tobytes() for name, array in arrays(state).items()}
    return content | {
        "memory": (state.memory.log, state.memory.conflicts),
        "generator": repr(state.generator.bit_generator.state),
        "previous_state": plain(dict(state.previous_state)),
    }


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name, arrays as bytes, which compare."""
    return {name: value.tobytes() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _drawn(images: int) -> tuple[NDArray[np.float32], dict[str, Any]]:
    draw = np.random.default_rng(5)
    people = np.arange(images) % PEOPLE
    points = draw.normal(size=(PEOPLE, 16))[people] + 0.6 * draw.normal(size=(images, 16))
    features = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    labels = np.where(people % 4 == 1, people - 1, people)
    labels = np.where((people % 3 == 2) & (np.arange(images) >= images // 2), PEOPLE + people, labels)
    labels[::13] = -1
    return features, {
        "labels": labels,
        "vertical": draw.integers(0, 8, (images, 16), dtype=np.uint8),
        "map_height": 8,
        "cameras": draw.integers(0, 4, images),
        "nearest": neighbours(features, 2).nearest,
        "round": 3,
        "rounds": 10,
    }


def _cosine_graph(features: NDArray[np.float32]) -> csr_array:
    distance = (1 - features @ features.T).clip(0).astype(np.float32)
    row, column = np.nonzero(distance <= NEAR)
    return csr_array((distance[row, column], (row, column)), shape=distance.shape)


def _graph_of(distances: Mapping[tuple[int, int], float], images: int) -> csr_array:
    pairs = {(row, row): 0.0 for row in range(images)} | dict(distances)
    pairs |= {(b, a): distance for (a, b), distance in distances.items()}
    rows, columns = np.array(sorted(pairs)).T
    values = np.array([pairs[pair] for pair in sorted(pairs)], np.float32)
    return csr_array((values, (rows, columns)), shape=(images, images))
