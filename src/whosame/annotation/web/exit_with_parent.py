"""Exit with the parent process: ``python -m whosame.annotation.web.exit_with_parent MODULE …``.

The parent holds the other end of standard input and writes nothing. When it ends, even by SIGKILL, that end closes.
"""

import os
import runpy
import signal
import sys
import threading


def _exit_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
