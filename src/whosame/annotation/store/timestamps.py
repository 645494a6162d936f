"""Timestamps of the label store: UTC, ISO 8601, to the millisecond, so that text order is time order."""

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """Return a time, in s since the epoch, as a timestamp of the store.

    Examples
    --------
    >>> stamp(0.25)
    '1970-01-01T00:00:00.250+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def epoch(timestamp: str) -> float:
    """Return a timestamp of the store in s since the epoch; one without a zone is UTC.

    Examples
    --------
    >>> epoch("1970-01-01T00:00:00.250+00:00")
    0.25
    """
    at = datetime.fromisoformat(timestamp)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
