"""Drawn features like those of a re-ID network at Market-1501's size, with known identities.

Identities of Market-like sizes (2 to 72 images, 17 on average) are in groups of about four that look alike. Each camera
shifts all its images, and the images of each identity once more. Some identities and some images are much noisier than
others. All of this is in 64 dimensions, where the noise is scaled until the given share of an image's ten nearest
neighbours shows the same person. The result is projected to as many dimensions as a network gives.
"""

import faiss
import numpy as np

LATENT, CAMERAS = 64, 6
ALIKE = 4  # identities that look alike
PROBES, NEAREST = 600, 10  # for the purity
HALVINGS = 9  # of the interval of noise scales
PURITY = {"normal": 0.80, "hard": 0.35}  # a trained network; a network in its first rounds


def features(n=12_936, dimensions=2048, *, purity=PURITY["normal"], seed=0):
    """Return features float32 [n, dimensions] of length 1, identities int64 [n] from 1, and cameras int64 [n]."""
    who, camera, clean, noise = _latent(n, np.random.default_rng(seed))
    low, high = 0.1, 3.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if purity_of(clean + middle * noise, who) > purity else (low, middle)
    draw = np.random.default_rng(seed + 1)
    lifted = (clean + low * noise) @ (_normal(draw, LATENT, dimensions) / np.sqrt(dimensions))
    lifted /= np.linalg.norm(lifted, axis=1, keepdims=True)
    order = draw.permutation(n)
    return np.ascontiguousarray(lifted[order].astype(np.float32)), 1 + who[order], camera[order]


def purity_of(points, who):
    """Return the mean share of the own identity among the nearest neighbours of some images."""
    points = np.ascontiguousarray(points / np.linalg.norm(points, axis=1, keepdims=True))
    probes = np.random.default_rng(0).choice(len(points), min(PROBES, len(points)), replace=False)
    index = faiss.IndexFlatIP(points.shape[1])
    index.add(points)
    _, found = index.search(points[probes], NEAREST + 1)
    others = np.bincount(who)[who] - 1
    shares = [
        (who[near[near != probe][: min(NEAREST, others[probe])]] == who[probe]).mean()
        for probe, near in zip(probes, found, strict=True)
        if others[probe]
    ]
    return float(np.mean(shares))


def _latent(n, draw):
    sizes = []
    while sum(sizes) < n:
        sizes.append(min(int(np.clip(np.round(draw.lognormal(2.62, 0.68)), 2, 72)), n - sum(sizes)))
    people = len(sizes)
    who = np.repeat(np.arange(people), sizes)
    groups = max(1, people // ALIKE)
    look = 0.7 * _normal(draw, groups, LATENT)[draw.integers(0, groups, people)] + 0.7 * _normal(draw, people, LATENT)
    camera = draw.integers(0, CAMERAS, n)
    clean = look[who] + 0.35 * _normal(draw, CAMERAS, LATENT)[camera]
    hard = draw.lognormal(0, 0.45, people).astype(np.float32)[who] * draw.lognormal(0, 0.30, n).astype(np.float32)
    views, view = np.unique(who * CAMERAS + camera, return_inverse=True)
    noise = _normal(draw, n, LATENT) * hard[:, None] + 0.5 * _normal(draw, len(views), LATENT)[view]
    return who, camera, clean, noise


def _normal(draw, *shape):
    return draw.standard_normal(shape).astype(np.float32)
