"""whosame: a re-identification model from person crops and as few human answers as possible."""

from whosame.operating_system import sleep_while_waiting
from whosame.telemetry import hush

__version__ = "0.1.0"

hush()
sleep_while_waiting()
