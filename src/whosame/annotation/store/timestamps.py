"""Moments as the label store keeps them: UTC, ISO 8601, to the millisecond, so that their order is that of the text."""

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """Return a moment, in s since the epoch, as the store keeps it.

    Examples
    --------
    >>> stamp(0.25)
    '1970-01-01T00:00:00.250+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def epoch(moment: str) -> float:
    """Return a moment of the store in s since the epoch; one without a zone is UTC.

    Examples
    --------
    >>> epoch("1970-01-01T00:00:00.250+00:00")
    0.25
    """
    at = datetime.fromisoformat(moment)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
