"""Functions of other projects beside ours, from a checkout that the user has: nothing of theirs is here.

Known are cluster-contrast-reid and SpCL (Jaccard distances, memory bank), torchreid and fast-reid (rank evaluation). A
file is loaded by its path, without its package, so that nothing else of the project needs to be installed. Where a
project's Cython evaluation is built in the checkout, it is taken.
"""

import contextlib
import importlib
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from benchmarks import reid_features
from benchmarks.rows import DIMENSIONS, Work
from torch.nn import functional

from whosame.clustering import dbscan, jaccard_from_neighbours, neighbours
from whosame.evaluation import evaluate_retrieval
from whosame.training.losses.cluster_nce import MemoryBank, cluster_nce
from whosame.training.losses.objective import turns

PACKAGES = {"clustercontrast": "cm", "spcl": "hm"}  # and the file, and function, of the memory bank
RANKS = ("torchreid/metrics/rank.py", "fastreid/evaluation/rank.py")
CYTHON = "torchreid.metrics.rank_cylib.rank_cy"  # as torchreid imports it, which would import all of torchreid
MOMENTUM, TEMPERATURE = 0.1, 0.05


def loaded(folder: Path, name: str) -> Any:
    """Load a module of a checkout; relative imports see its own folder alone."""
    package = f"peer_{abs(hash(folder))}"
    if package not in sys.modules:
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(folder)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that Cython is not built
        return importlib.import_module(f"{package}.{name}")


def peer_rows(checkout: Path) -> dict[str, Callable[[int], Work]]:
    """Return the rows that a checkout has: our work, and theirs in the place of the limit.

    Raises
    ------
    SystemExit
        None of the files is there.
    """
    rows: dict[str, Callable[[int], Work]] = {}
    for package, memory in PACKAGES.items():
        if (checkout / package / "utils" / "faiss_rerank.py").exists():
            rows["Jaccard distances and DBSCAN"] = partial(jaccard, checkout / package / "utils" / "faiss_rerank.py")
        if (checkout / package / "models" / f"{memory}.py").exists():
            rows["memory bank, a batch of 256"] = partial(bank, checkout / package / "models" / f"{memory}.py")
    for path in RANKS:
        if (checkout / path).exists():
            rows["evaluation, a fifth as queries"] = partial(ranking, checkout / path)
    if not rows:
        files = ", ".join([f"{package}/utils/faiss_rerank.py" for package in PACKAGES] + list(RANKS))
        raise SystemExit(f"{checkout} has none of {files}: --peer takes the root of a checkout of one of the four")
    return rows


def jaccard(file: Path, n: int) -> Work:
    """From features to labels: theirs by the dense N × N matrix, and scikit-learn's DBSCAN on it, as in their code."""
    from sklearn.cluster import DBSCAN

    features, _, _ = reid_features.features(n, DIMENSIONS)
    if not hasattr(faiss, "get_num_gpus"):
        faiss.get_num_gpus = lambda: 0  # theirs asks, faiss-cpu does not have it
    theirs = loaded(file.parent, file.stem).compute_jaccard_distance
    given = torch.from_numpy(features)

    def ours() -> np.ndarray:
        near = neighbours(features, 30)
        return dbscan(jaccard_from_neighbours(near, features, k1=30, k2=6, max_distance=0.6), eps=0.6, min_samples=4)

    def other() -> np.ndarray:
        distances = theirs(given, k1=30, k2=6, print_flag=False, search_option=3)
        return DBSCAN(eps=0.6, min_samples=4, metric="precomputed", n_jobs=-1).fit_predict(distances)

    return Work(ours, other, "the peer")


def bank(file: Path, n: int) -> Work:
    """Loss, gradient and update of the bank, for a batch of 16 × 16 images; a class has 17 images of n."""
    module = loaded(file.parent, file.stem)
    theirs = getattr(module, file.stem)
    generator = torch.Generator().manual_seed(0)
    classes = max(32, n // 17)
    start = functional.normalize(torch.randn(classes, DIMENSIONS, generator=generator), dim=1)
    features = functional.normalize(torch.randn(256, DIMENSIONS, generator=generator), dim=1).requires_grad_()
    labels = torch.randperm(classes, generator=generator)[:16].repeat_interleave(16)
    own, their_bank = MemoryBank(start.clone(), MOMENTUM), start.clone()

    def ours() -> torch.Tensor:
        cluster_nce(features, labels, own, TEMPERATURE).backward()
        own.update(features.detach(), labels, turns(labels.numpy()))
        return own.vectors

    def other() -> torch.Tensor:
        logits = theirs(features, labels, their_bank, MOMENTUM) / TEMPERATURE
        functional.cross_entropy(logits, labels).backward()
        return their_bank

    return Work(ours, other, "the peer")


def ranking(file: Path, n: int) -> Work:
    """CMC and mAP from features: theirs from the matrix of distances."""
    features, who, cameras = reid_features.features(n, DIMENSIONS)
    query = np.arange(0, n, 5)
    with contextlib.suppress(ImportError):  # not built
        sys.modules[CYTHON] = loaded(file.parent, "rank_cylib.rank_cy")
    theirs = loaded(file.parent, file.stem).evaluate_rank

    def ours() -> float:
        return evaluate_retrieval(features[query], who[query], cameras[query], features, who, cameras).mAP

    def other() -> float:
        distances = 1 - features[query] @ features.T
        return float(theirs(distances, who[query], who, cameras[query], cameras, max_rank=50)[1])

    return Work(ours, other, "the peer")


def agreement(ours: Any, theirs: Any) -> str:
    """Return how both results agree: the adjusted Rand index of labels, the largest difference of numbers."""
    if isinstance(ours, np.ndarray) and ours.dtype.kind == "i":
        from sklearn.metrics import adjusted_rand_score

        return f"adjusted Rand index {adjusted_rand_score(ours, theirs):.4f}"
    largest = np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).max()
    return f"largest difference {largest:.1e}"
