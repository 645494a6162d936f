"""Search: which images of a gallery show the individual of a query, and whether any does."""
