"""Inspection of a folder before anybody is asked: what is there, what a run would make of it, whether to begin."""
