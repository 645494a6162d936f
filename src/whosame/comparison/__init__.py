"""Comparisons of strategies: what is played, the finished runs as values, tables, figures, the report."""
