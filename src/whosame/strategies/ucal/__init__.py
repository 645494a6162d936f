"""UCAL: splits and merges of clusters."""
