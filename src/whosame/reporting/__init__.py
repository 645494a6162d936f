"""Reporting: tables for the terminal, the picture of a round's pairs, learning curves."""
