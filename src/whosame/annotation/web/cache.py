"""Cache of statistics: what takes long to compute is computed seldom, so that it takes a bounded share of the time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

REST = 10.0  # how many times as long as computing took a value is kept: moments in a small run, seconds in a large one


@dataclass(frozen=True)
class _Entry:
    value: Any
    expires_at: float


class Cache:
    """Values by name. Threads may share it: while one computes, the others wait for the value."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def get(self, name: str, compute: Callable[[], T]) -> T:
        """Return the value of a name, from ``compute`` where there is none or it has expired."""
        with self._lock:
            entry = self._entries.get(name)
            began = self._now()
            if entry is None or began >= entry.expires_at:
                value = compute()
                end = self._now()
                entry = self._entries[name] = _Entry(value, end + REST * (end - began))
        found: T = entry.value
        return found

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._entries.clear()
