"""Evaluation figures against stored ones, which a slow pure-Python implementation computed.

``evaluation_reference.json`` was written by this file: ``python tests/regression/test_evaluation_reference.py``.
The implementation below shares nothing with the package: it goes through pairs and ranked lists one by one.
Random numbers come from ``RandomState``, whose streams NumPy keeps for good.
"""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from whosame.evaluation import evaluate_clusters, evaluate_retrieval

STORED = Path(__file__).with_name("evaluation_reference.json")
CASES = ("plain", "junk and distractors", "many copies")


def retrieval_case(name):
    random = np.random.RandomState(CASES.index(name))
    centres = random.standard_normal((25, 32))
    lowest = {"plain": 1, "junk and distractors": -1, "many copies": 1}[name]
    query_ids, gallery_ids = random.randint(1, 25, 40), random.randint(lowest, 20, 600)

    def features(ids):
        rows = centres[ids] + 1.5 * random.standard_normal((len(ids), 32))
        if name == "many copies":
            rows = np.sign(rows)
        return (rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))).astype(np.float32)

    query, gallery = features(query_ids), features(gallery_ids)
    return query, query_ids, random.randint(0, 4, 40), gallery, gallery_ids, random.randint(0, 4, 600)


def cluster_case(name):
    random = np.random.RandomState(10 + CASES.index(name))
    identities = random.randint(0, 12, 300)
    labels = np.where(
        random.uniform(size=300) < 0.7, identities // (1 + CASES.index(name)), random.randint(-1, 15, 300)
    )
    return labels, identities


def slow_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams):
    precisions, penalties, firsts, lonely = [], [], [], 0
    for q in range(len(query)):
        ranked = []
        for g in range(len(gallery)):
            if gallery_ids[g] >= 0 and not (gallery_ids[g] == query_ids[q] and gallery_cams[g] == query_cams[q]):
                similarity = math.fsum(float(a) * float(b) for a, b in zip(query[q], gallery[g], strict=True))
                ranked.append((-similarity, g, bool(gallery_ids[g] == query_ids[q])))
        ranked.sort()
        ranks = [rank for rank, (_, _, right) in enumerate(ranked, start=1) if right]
        if not ranks:
            lonely += 1
            continue
        precisions.append(sum(found / rank for found, rank in enumerate(ranks, start=1)) / len(ranks))
        penalties.append(len(ranks) / ranks[-1])
        firsts.append(ranks[0])
    return {
        "mAP": sum(precisions) / len(precisions),
        "mINP": sum(penalties) / len(penalties),
        **{f"rank{r}": sum(first <= r for first in firsts) / len(firsts) for r in (1, 5, 10, 20)},
        "queries": len(query),
        "queries_without_match": lonely,
    }


def slow_pairs(labels, identities):
    together = same = both = 0
    for i, j in combinations(range(len(labels)), 2):
        together += bool(labels[i] == labels[j])
        same += bool(identities[i] == identities[j])
        both += bool(labels[i] == labels[j] and identities[i] == identities[j])
    every = math.comb(len(labels), 2)
    chance = together * same / every
    precision, recall = both / together, both / same
    return {
        "ari": (both - chance) / ((together + same) / 2 - chance),
        "pairwise_precision": precision,
        "pairwise_recall": recall,
        "pairwise_f1": 2 * precision * recall / (precision + recall),
    }


def slow_clusters(labels, identities):
    identities = [identity or -1 - i for i, identity in enumerate(identities)]  # a distractor, 0, is alone
    inside = [i for i in range(len(labels)) if labels[i] >= 0]
    own = [label if label >= 0 else 1000 + i for i, label in enumerate(labels)]
    return {
        **slow_pairs([labels[i] for i in inside], [identities[i] for i in inside]),
        **{f"{name}_all": value for name, value in slow_pairs(own, identities).items()},
        "count": len({labels[i] for i in inside}),
        "outliers": len(labels) - len(inside),
        "mixed": sum(len({identities[i] for i in inside if labels[i] == c}) > 1 for c in {labels[i] for i in inside}),
        "split": sum(len({labels[i] for i in inside if identities[i] == p}) > 1 for p in set(identities)),
    }


@pytest.mark.parametrize("name", CASES)
def test_retrieval(name):
    stored = json.loads(STORED.read_text(encoding="utf-8"))["retrieval"][name]
    found = evaluate_retrieval(*retrieval_case(name)).to_dict()
    assert found == pytest.approx({f"retrieval/{figure}": value for figure, value in stored.items()}, abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_clusters(name):
    stored = json.loads(STORED.read_text(encoding="utf-8"))["clusters"][name]
    found = evaluate_clusters(*cluster_case(name)).to_dict()
    assert {figure: found[f"clusters/{figure}"] for figure in stored} == pytest.approx(stored, abs=1e-9)


if __name__ == "__main__":
    reference = {
        "origin": "slow_retrieval and slow_clusters of test_evaluation_reference.py, pure Python, float64",
        "retrieval": {name: slow_retrieval(*retrieval_case(name)) for name in CASES},
        "clusters": {name: slow_clusters(*(column.tolist() for column in cluster_case(name))) for name in CASES},
    }
    STORED.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")
