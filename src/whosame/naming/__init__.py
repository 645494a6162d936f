"""Naming: which individual each image shows after the last training, how that is known, and how probable it is."""
