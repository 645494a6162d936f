"""The page on which identities are reviewed: routes, sheets as its script reads them, images."""
