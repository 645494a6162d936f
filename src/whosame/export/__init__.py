"""Export: what remains of a run: a network without this project, names, an index to search, tables, cards."""
