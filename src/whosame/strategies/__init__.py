"""Which pairs to ask about: one method a file, built by name in :mod:`whosame.strategies.registry`."""
