"""Weights of networks: files, their layouts and names, and where they come from."""
