"""Commands, a module each: they read what was typed, call the core, and print.

Kedro imports them before it runs any command: where whosame does not run, each one ends here with a message.
"""

from whosame.operating_system import require_supported

require_supported()
