"""Gain: ``gain`` and ``gain-labels``, the project's own strategies."""
