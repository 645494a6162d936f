"""Answers as files that other programs read and write: CSV, JSON Lines, Label Studio's JSON."""
