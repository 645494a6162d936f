"""Agreement of answers with what was expected of them: p(same) and similarities against "same" and "different"."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import rankdata

from whosame.questions import Answer

LEAST = 5  # answers of each verdict, or two networks are not compared


class Judged(NamedTuple):
    """The "same" and "different" of a round that people or an oracle gave: pairs of rows a < b.

    Attributes
    ----------
    a, b : int64 [n]
    same : bool [n]
    p_same : float64 [n]
        NaN where the strategy gives no probability.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    same: NDArray[np.bool_]
    p_same: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> "Judged":
        """Return the answers that were given, without free ones and without "unsure"."""
        given = [one for one in answers if one.source != "closure" and one.verdict != "unsure"]
        a, b = (np.array([getattr(one.question, side) for one in given], np.int64) for side in "ab")
        p_same = np.array([one.question.p_same for one in given], np.float64)  # None becomes NaN
        return cls(a, b, np.array([one.verdict == "same" for one in given], bool), p_same)

    def similarity(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the cosine similarities of the pairs, float64 [n]; features float32 [N, D] are L2-normalised."""
        similar: NDArray[np.float64] = (features[self.a] * features[self.b]).sum(axis=1, dtype=np.float64)
        return similar


def answer_agreement(judged: Judged, features: NDArray[np.float32]) -> dict[str, float]:
    """Return how well "same" and "different" were known before asking, by flat names; what is undefined is left out.

    Parameters
    ----------
    judged : Judged
    features : float32 [N, D]
        What the round's questions were chosen on: the network has not been trained on their answers.

    Returns
    -------
    dict
        ``annotation/similarity_auc``: :func:`auc` of the cosine similarities. Where the strategy gives p(same) also
        ``annotation/p_same_auc``, ``annotation/p_same_brier`` (mean squared difference from the answers, 0 is best)
        and ``annotation/p_same_excess`` (mean p(same) less the share of "same": positive where too many were expected).
    """
    found = {"similarity_auc": auc(judged.similarity(features), judged.same)}
    known = ~np.isnan(judged.p_same)
    p, same = judged.p_same[known], judged.same[known]
    if len(p):
        found |= {
            "p_same_auc": auc(p, same),
            "p_same_brier": float(np.mean((p - same) ** 2)),
            "p_same_excess": float(p.mean() - same.mean()),
        }
    return {f"annotation/{name}": value for name, value in found.items() if not np.isnan(value)}


def network_change(
    judged: Judged, features: NDArray[np.float32], earlier: NDArray[np.float32] | None
) -> dict[str, float]:
    """Estimate without labels whether the network has improved, by answers that neither version was trained on.

    The two versions rank the same pairs by similarity; the one with the larger :func:`auc` agrees better with the
    answers. The pairs were chosen on the newer features, where they were doubtful: this lowers the newer one's figure.
    A network that is found better therefore is, nearly always; one that is found worse often is not
    (docs/annotation.md).

    Parameters
    ----------
    judged : Judged
        Answers to questions that were chosen on ``features``.
    features : float32 [N, D]
        Of the network as the round began.
    earlier : float32 [M, D] or None
        Of an earlier round, of the first M of the images: others have joined since. None: nothing can be said.

    Returns
    -------
    dict
        ``annotation/similarity_auc_before`` of the earlier features, ``annotation/network_improved``: how sure it is
        that the newer one is better, from 0 to 1 (:func:`surely_larger`). Empty with fewer than five answers of either
        verdict.
    """
    if earlier is None:
        return {}
    there = judged.b < len(earlier)  # a < b
    judged = Judged(judged.a[there], judged.b[there], judged.same[there], judged.p_same[there])
    if min(judged.same.sum(), (~judged.same).sum()) < LEAST:
        return {}
    now, before = judged.similarity(features), judged.similarity(earlier)
    return {
        "annotation/similarity_auc_before": auc(before, judged.same),
        "annotation/network_improved": surely_larger(now, before, judged.same),
    }


def auc(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return how probably a "same" has the larger score than a "different": the area under the ROC curve.

    Parameters
    ----------
    scores : float64 [n]
        p(same), or similarities. Equal scores count one half.
    same : bool [n]

    Returns
    -------
    float
        From 0 to 1; 0.5 is chance; NaN where one of the two verdicts is missing.
    """
    positive, negative = int(same.sum()), int((~same).sum())
    if positive == 0 or negative == 0:
        return float("nan")
    ranks = rankdata(scores)[same].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def surely_larger(first: NDArray[np.float64], second: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return how sure it is that the first scores have the larger AUC, on the same pairs: 0 to 1, 0.5 where equal.

    Parameters
    ----------
    first, second : float64 [n]
    same : bool [n]
        At least two of each.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson, *Comparing the areas under two or more correlated receiver operating characteristic
    curves*, Biometrics 44, 1988: the variance of the difference, which is taken as normal.
    """
    difference = _order(first, same) - _order(second, same)
    by_same, by_different = difference.mean(axis=1), difference.mean(axis=0)
    variance = by_same.var(ddof=1) / len(by_same) + by_different.var(ddof=1) / len(by_different)
    mean = float(difference.mean())
    if variance <= 0:
        return 0.5 + 0.5 * float(np.sign(mean))
    return float(ndtr(mean / np.sqrt(variance)))


def _order(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each "same" and each "different" which has the larger score: 1, 1/2 or 0."""
    apart = np.sign(scores[same][:, None] - scores[~same][None, :])
    ordered: NDArray[np.float64] = (apart + 1) / 2
    return ordered
