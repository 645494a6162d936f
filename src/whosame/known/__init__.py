"""What is known before the first round: a catalogue of individuals, and encounters."""

IDENTITIES = "identities"  # the catalogue of the identities that the layout reads
