"""How often an address may fail to log in."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

REMEMBERED = 10_000  # addresses; the one heard of longest ago is forgotten first


class FailureLimit:
    """Counts failures by address, in memory: a restart forgets them.

    Parameters
    ----------
    most : int
        Failures that are allowed within the window.
    window : float
        Seconds.
    """

    def __init__(self, most: int = 10, window: float = 60.0, *, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._window, self._now = most, window, now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Return for how many seconds this address may not try; 0: it may."""
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
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)


def _network(address: str) -> str:
    # Whoever has one IPv6 address has 2**64 of them.
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
