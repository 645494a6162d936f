"""Losses on PK batches, each with the memory bank that it keeps for a round."""
