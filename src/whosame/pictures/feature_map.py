"""Map of the features: images as points in two dimensions, coloured by individual and by camera (t-SNE)."""

import numpy as np
from numpy.typing import NDArray

LEAST = 5  # images
DIMENSIONS = 50  # that are left of the features before t-SNE, as its authors do
PERPLEXITY = 15.0  # neighbours that count: individuals have few images


def project(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return places in two dimensions at which neighbours stay neighbours.

    Distances between groups that are far apart mean little, and neither does the size of a group.

    Parameters
    ----------
    vectors : float32 [N, D]
        Of length 1, N at least ``LEAST``.
    seed : int

    Returns
    -------
    float32 [N, 2]

    References
    ----------
    van der Maaten and Hinton, *Visualizing data using t-SNE*, JMLR 2008; here from the first two principal components,
    as Kobak and Berens, *The art of using t-SNE for single-cell transcriptomics*, Nature Communications 2019, advise.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count, dimension = vectors.shape
    kept = min(DIMENSIONS, dimension, count - 1)
    reduced = PCA(kept, svd_solver="randomized", random_state=seed).fit_transform(vectors)
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-12) * 1e-4
    places = TSNE(
        2,
        perplexity=min(PERPLEXITY, (count - 1) / 3),
        init=np.ascontiguousarray(start, np.float32),
        learning_rate="auto",
        random_state=seed,
        n_jobs=1,  # the same places whatever the machine has
    ).fit_transform(reduced.astype(np.float32))
    return np.asarray(places, np.float32)
