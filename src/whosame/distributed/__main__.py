"""A worker process: ``python -m whosame.distributed FD``, FD being a socket. It ends with its pool."""

import os
import sys
import threading
from multiprocessing.connection import Connection

from whosame.distributed.worker import serve


def _exit_with_pool() -> None:
    """End at once when standard input closes: its other end is the pool's process."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_pool, daemon=True).start()
    serve(Connection(int(sys.argv[1])))
    os._exit(0)  # the group of processes is not taken apart: it would wait for the others
