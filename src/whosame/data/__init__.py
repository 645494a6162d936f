"""Data sets: readers, manifest, pixels."""
