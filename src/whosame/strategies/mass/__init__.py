"""MASS-like: purification of clusters (after Hu et al.)."""
