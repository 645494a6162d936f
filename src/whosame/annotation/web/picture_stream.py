"""Picture stream: several images in one response, as they are ready."""

import time
from collections.abc import Iterable, Iterator

LENGTH = 4  # bytes
PATIENCE = 0.05  # s: images that are ready within it are sent together


def framed(images: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the length of each image, big-endian, then its bytes; an empty one cannot be shown."""
    ready, sent = bytearray(), time.monotonic()
    for image in images:
        ready += len(image).to_bytes(LENGTH, "big") + image
        if time.monotonic() - sent > PATIENCE:
            yield bytes(ready)
            ready.clear()
            sent = time.monotonic()
    yield bytes(ready)
