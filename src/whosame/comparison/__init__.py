"""Comparisons of strategies: the plan, finished runs as values, tables, figures, the report."""
