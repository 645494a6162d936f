"""What the operating system decides: usable cores, waiting threads, file locks. Linux and macOS are supported."""

import errno
import os
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

UNSUPPORTED = (
    "whosame runs on Linux and macOS. On Windows, use it in WSL (Windows Subsystem for Linux): run 'wsl --install' in "
    "a terminal, open Ubuntu, and install whosame there as README.md says."
)
# What flock gives without locks: NFS without a lock service, its folders, Lustre without -o flock, some FUSE systems.
NO_LOCKS = {getattr(errno, name) for name in ("ENOLCK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EBADF")}


def require_supported() -> None:
    """End the process with a message on a system where whosame does not run."""
    if fcntl is None:
        raise SystemExit(UNSUPPORTED)


def usable_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a container or taskset may allow fewer than the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def sleep_while_waiting() -> None:
    """Let OpenMP's threads sleep while they wait for each other; what the user has set is kept.

    By default libgomp, which torch and faiss use, waits by spinning: on a machine with other work the spinning thread
    keeps the core from the thread that it waits for (docs/measured.md). The policy is read when torch and faiss are
    loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def lock(file: IO[Any] | int, *, wait: bool) -> bool:
    """Lock an open file for this process, until it is closed or the process ends.

    Parameters
    ----------
    file : file object or file descriptor
        Opened for writing; NFS locks no other.
    wait : bool
        Whether to wait where another process has it.

    Returns
    -------
    bool
        Whether it is locked. False: there are no locks on its file system.

    Raises
    ------
    BlockingIOError
        Another process has it, and ``wait`` is False.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    return True
