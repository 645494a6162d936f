"""The page where people say whether two crops show the same person."""
