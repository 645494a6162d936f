"""Patience: a call that may wait for ever is given up when nothing has moved for a while."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.1


def within(seconds: float, call: Callable[[], T], moved: Callable[[], object] = lambda: None) -> T:
    """Return what a call returns, or raise.

    Parameters
    ----------
    seconds : float
        Without a reply, and without a change of ``moved``, the call is given up.
    call : callable
        Runs in a thread of its own, which does not keep the process from ending.
    moved : callable
        Returns something that changes while the call gets on, such as how many bytes have come.

    Raises
    ------
    TimeoutError
        The call was given up; its thread waits on.

    Examples
    --------
    >>> within(5, lambda: 1 + 1)
    2
    """
    results: list[T] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001  raised by the caller
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    seen, since = moved(), time.monotonic()
    while thread.is_alive():
        thread.join(LOOK_SECONDS)
        if (now := moved()) != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > seconds:
            raise TimeoutError(f"no reply within {seconds:.0f} seconds")
    if failures:
        raise failures[0]
    return results[0]
