"""Images in: readers, manifest, pixels."""
