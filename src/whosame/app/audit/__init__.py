"""Audit of a run's names: who answers it, its report, and the pipeline as one call."""
