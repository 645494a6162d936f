"""Extraction and training by one process, or by several whose results are those of one."""
