"""Pictures of a run: a map of the features, retrieval curves, retrieval strips, clusters before and after answers."""
