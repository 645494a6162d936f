"""Tokens of a review: the names under which its pages show images, made from a key that only the store has."""

from base64 import urlsafe_b64encode
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

LENGTH = 22  # characters, of 128 bits


class Tokens:
    """The tokens of a run's images: the same in every process, and not to be guessed without the key.

    Parameters
    ----------
    key : str
        From :func:`~whosame.annotation.accounts.sessions.signing_key`.
    run_uid : str
    image_ids : int64 [N]
        By row.
    """

    def __init__(self, key: str, run_uid: str, image_ids: NDArray[np.int64]) -> None:
        keyed = blake2b(run_uid.encode(), key=key.encode(), digest_size=16)
        self._tokens = [_token(keyed, image) for image in image_ids.tolist()]
        self._rows = {token: row for row, token in enumerate(self._tokens)}

    def of(self, row: int) -> str:
        """Return the token of a row."""
        return self._tokens[row]

    def row(self, token: str) -> int | None:
        """Return the row of a token; None: it is of no image of the run."""
        return self._rows.get(token)


def _token(keyed: blake2b, image: int) -> str:
    digest = keyed.copy()
    digest.update(f" {image}".encode())
    return urlsafe_b64encode(digest.digest())[:LENGTH].decode()
