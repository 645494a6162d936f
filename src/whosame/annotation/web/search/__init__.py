"""The page on which a photograph finds its individual: routes, open galleries."""
