"""Gallery of a run: all of its images, train and test, with names, confirmed individuals and a calibrated threshold."""

import numpy as np
from numpy.typing import NDArray

from whosame.data.manifest import Manifest
from whosame.identities import is_person
from whosame.memory import LabelMemory
from whosame.naming.identity_table import IdentityRow
from whosame.search.calibration import NOT_CALIBRATED, Calibration, calibrate
from whosame.search.gallery import Gallery, ImageForm


def build_gallery(
    vectors: NDArray[np.float32],
    manifest: Manifest,
    rows: list[IdentityRow],
    memory: LabelMemory,
    generator: np.random.Generator,
    form: ImageForm,
    *,
    run: str,
    code: str,
    number: int,
) -> Gallery:
    """Return the gallery.

    Parameters
    ----------
    vectors : float32 [M, D]
        Features of all images, of length 1.
    manifest : Manifest of M images
    rows : list of IdentityRow
        Names of the training images.
    memory : LabelMemory
        Every answer, about rows of the training set.
    generator : numpy.random.Generator
        Draws the probes of the calibration.
    form : ImageForm
    run, code : str
        The run; the version of whosame.
    number : int
        The last round that the network was trained in.
    """
    train = manifest.image_ids("train")
    paths = manifest.table["path"].tolist()
    by_path = {row.path: row for row in rows}
    named = [by_path.get(path) for path in paths]
    individuals = np.arange(len(manifest))
    individuals[train] = train[memory.must_link_roots(len(train))]
    identities = [row.identity if row else "" for row in named]
    return Gallery(
        vectors=vectors,
        paths=paths,
        splits=manifest.table["split"].tolist(),
        cameras=manifest.cameras(),
        identities=identities,
        known=[row.known if row else "" for row in named],
        p=np.array([row.p if row else np.nan for row in named]),
        individuals=individuals,
        root=str(manifest.root),
        run=run,
        code=code,
        round=number,
        answers=len(memory),
        form=form,
        calibration=_calibration(vectors, manifest, identities, generator),
    )


def _calibration(
    vectors: NDArray[np.float32], manifest: Manifest, identities: list[str], generator: np.random.Generator
) -> Calibration:
    """Calibrate on the known identities of the test set; where these are too few, on the names that were found."""
    cameras, known = manifest.cameras(), manifest.identities()
    test = (manifest.table["split"] != "train").to_numpy()
    labels = np.where(test & is_person(known), known, -1)
    found = calibrate(vectors, cameras, labels, np.flatnonzero(labels >= 0), generator, "test")
    if found != NOT_CALIBRATED:
        return found
    numbers = {name: number for number, name in enumerate(sorted({*identities} - {""}))}
    labels = np.array([numbers.get(name, -1) for name in identities], np.int64)
    return calibrate(vectors, cameras, labels, np.flatnonzero(labels >= 0), generator, "names")
