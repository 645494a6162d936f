"""Measures of what people answered: agreement, error rates, contradictions, progress."""
