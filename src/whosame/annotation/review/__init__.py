"""Reviews: people look through the identities of a run, correct them, join them and name them."""
