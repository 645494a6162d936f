"""whosame: a re-identification model from person crops and as few human answers as possible."""

__version__ = "0.1.0"
