"""The page where people say whether two images show the same individual."""
