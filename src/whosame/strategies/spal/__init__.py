"""SPAL: dual uncertainty selection."""
