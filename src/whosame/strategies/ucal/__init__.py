"""UCAL: unsupervised clustering active learning (Gao and Li)."""
