"""Answers of a round in words: how many were "same", what they changed, how well they were known before asking."""

from collections.abc import Mapping

SURE = 0.9  # that a network is better, or nothing is claimed; that it is worse cannot be told (docs/annotation.md)


def answers_text(metrics: Mapping[str, float]) -> str:
    """Return one line about a round's answers; empty where it has none.

    Parameters
    ----------
    metrics : mapping
        The round's.

    Examples
    --------
    >>> known = {"same": 12, "different": 8, "share_same": 0.6, "images_moved": 40, "p_same_auc": 0.71}
    >>> answers_text({f"annotation/{name}": value for name, value in known.items()})
    'answers: 12 of 20 same, 40 images moved; p(same) before asking: AUC 0.71'
    """
    found = {name.removeprefix("annotation/"): value for name, value in metrics.items()}
    if "share_same" not in found:
        return ""
    given = found["same"] + found["different"]
    text = [f"answers: {found['same']:.0f} of {given:.0f} same, {found.get('images_moved', 0):.0f} images moved"]
    for name, words in (("p_same_auc", "p(same)"), ("similarity_auc", "similarity")):
        if name in found:
            text.append(f"{words} before asking: AUC {found[name]:.2f}")
            break
    if "network_improved" in found:
        text.append(_network(found["network_improved"], found["similarity_auc_before"], found["similarity_auc"]))
    return "; ".join(text)


def _network(improved: float, before: float, now: float) -> str:
    if improved < SURE:
        return "network: these answers do not show that it has improved"
    return f"network: better than 3 rounds before, AUC {before:.2f} to {now:.2f} on answers that neither has seen"
