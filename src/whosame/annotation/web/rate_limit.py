"""Rate limit of failed logins, by address."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MAX_ADDRESSES = 10_000  # whose failures are counted; the one with the oldest last failure is dropped first


class FailureLimit:
    """Counts failures by address, in memory: a restart forgets them.

    Parameters
    ----------
    most : int
        Failures that are allowed within the window.
    window : float
        Seconds.
    now : callable
        Returns the time, s.
    """

    def __init__(self, most: int = 10, window: float = 60.0, *, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._window, self._now = most, window, now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Return the seconds for which an address has to wait; 0: it may try."""
        now = self._now()
        with self._lock:
            failures = list(self._failures.get(_network(address), ()))
        recent = [moment for moment in failures if now - moment < self._window]
        if len(recent) < self._most:
            return 0
        return max(1, math.ceil(recent[-self._most] + self._window - now))

    def failed(self, address: str) -> None:
        """Count a failure."""
        network = _network(address)
        with self._lock:
            self._failures.setdefault(network, deque(maxlen=self._most)).append(self._now())
            self._failures.move_to_end(network)
            while len(self._failures) > MAX_ADDRESSES:
                self._failures.popitem(last=False)


def _network(address: str) -> str:
    # A machine with one IPv6 address has 2**64 of them.
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
