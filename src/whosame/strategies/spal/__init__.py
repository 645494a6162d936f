"""SPAL: dual uncertainty selection (Jin and Li)."""
