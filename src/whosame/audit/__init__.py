"""Audit: how right the names of a run are, estimated from few questions with confidence intervals."""
