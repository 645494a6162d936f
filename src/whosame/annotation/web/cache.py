"""Figures that take long to count are counted seldom: never more than a share of the time goes into them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

REST = 10.0  # what was counted is good for so many times what counting took: of a small run a moment, of a large one s


@dataclass(frozen=True)
class _Counted:
    value: Any
    good_until: float


class Costly:
    """What was counted, to be asked from several threads: while one counts, the others wait for it."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counted: dict[str, _Counted] = {}

    def get(self, what: str, count: Callable[[], T]) -> T:
        """Return what ``count`` returned lately, or returns now."""
        with self._lock:
            known = self._counted.get(what)
            began = self._now()
            if known is None or began >= known.good_until:
                value = count()
                known = _Counted(value, self._now() + REST * (self._now() - began))
                self._counted[what] = known
        value_known: T = known.value
        return value_known

    def forget(self) -> None:
        """Count everything anew the next time."""
        with self._lock:
            self._counted.clear()
