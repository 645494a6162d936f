"""A program that ends with its parent: ``python -m whosame.annotation.web.exit_with_parent MODULE …``.

The starter holds the other end of standard input and says nothing. When it ends, even by SIGKILL, that end is closed.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_the_starter() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
