"""Random streams: independent generators from one seed, by name. No stage's numbers depend on what others drew."""

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator that belongs to ``names`` under ``seed``.

    Parameters
    ----------
    seed : int
        The run's seed, at least 0.
    *names : str or int
        What the numbers are for, as in ``stream(0, "train", 7)`` for the training of round 7.

    Returns
    -------
    numpy.random.Generator
        The same for the same arguments, independent for any others.
    """
    return np.random.default_rng([seed, *_words(names)])


def torch_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed for ``torch.Generator.manual_seed``, drawn from :func:`stream`."""
    return int(stream(seed, *names).integers(0, 2**63 - 1))


def _words(names: tuple[str | int, ...]) -> list[int]:
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
