"""whosame: a re-identification model from person crops and as few human answers as possible."""

from whosame.telemetry import hush
from whosame.threads import sleep_while_waiting

__version__ = "0.1.0"

hush()
sleep_while_waiting()
