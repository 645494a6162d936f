"""MASS-like purification of clusters."""
