"""Searcher: network and gallery, loaded once, for any number of queries."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame.data.decoding import Resize, UnusableImageError, decode
from whosame.errors import InputError, ParameterError, format_problems
from whosame.progress import track
from whosame.search.gallery import Gallery
from whosame.search.ranking import Ranking, rank

NETWORK = "network.onnx"
BATCH = 64  # images that pass the network at once

Network = Callable[[NDArray[np.generic]], NDArray[np.float32]]


class Searcher:
    """Finds individuals of a gallery. It keeps network and gallery in memory: a query of one image takes milliseconds.

    Parameters
    ----------
    gallery : Gallery
    network : callable
        Maps uint8 [n, H, W, 3], of the gallery's form, to features float32 [n, D] of length 1; that of a run with
        features of its own maps these, float32 [n, D].

    Examples
    --------
    >>> searcher = Searcher.load(Path("data/runs/mine/export/model"))  # doctest: +SKIP
    >>> [ranking] = searcher.search({"new.jpg": Path("new.jpg").read_bytes()}, top=5)  # doctest: +SKIP
    >>> ranking.nobody_near, ranking.hits[0].identity, ranking.hits[0].score  # doctest: +SKIP
    (False, '17', 0.83)
    """

    def __init__(self, gallery: Gallery, network: Network) -> None:
        self.gallery, self.network = gallery, network

    @classmethod
    def load(cls, folder: Path) -> "Searcher":
        """Read an exported folder: the gallery, and ``network.onnx``, which onnxruntime runs.

        Raises
        ------
        InputError
            A file is missing.
        StorageError, ResumeError
            See :meth:`Gallery.load`.
        ParameterError
            onnxruntime is not installed.
        """
        try:
            return cls(Gallery.load(folder), onnx_network((folder / NETWORK).read_bytes()))
        except FileNotFoundError as error:
            raise InputError(f"{folder} is no exported model: {error.filename} is missing") from error

    def features(self, images: Mapping[str, bytes]) -> NDArray[np.float32]:
        """Return features of image files, float32 [n, D], of length 1.

        Parameters
        ----------
        images : mapping of str to bytes
            The content of each file by name.

        Raises
        ------
        InputError
            Files that are no images, all of them; or the network takes no images.
        """
        pixels, problems = [], []
        for name, content in images.items():
            try:
                pixels.append(self._decoded(content))
            except UnusableImageError as error:
                problems.append(f"{name}: {error}")
        self._raise(problems, len(images))
        return self.embed(np.stack(pixels) if pixels else np.empty((0, *self._size, 3), np.uint8))

    @property
    def _size(self) -> tuple[int, int]:
        return self.gallery.form.height, self.gallery.form.width

    def _decoded(self, content: bytes) -> NDArray[np.uint8]:
        form = self.gallery.form
        if form.features:
            raise InputError(
                f"the network of run {self.gallery.run!r} takes features of {form.features} numbers that were computed "
                "elsewhere, and no images: give a file .npy, float [queries, numbers]"
            )
        resize: Resize = "bicubic" if form.resize == "bicubic" else "bilinear"
        return decode(content, *self._size, invert=form.invert, resize=resize, letterbox=form.letterbox)

    @staticmethod
    def _raise(problems: Sequence[str], count: int) -> None:
        if problems:
            title = f"{len(problems)} of {count} queries cannot be used"
            raise InputError(format_problems(title, problems, "Give images, or folders of images."))

    def embed(self, inputs: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return features of what the network takes, float32 [n, D]."""
        parts = [self.network(inputs[begin : begin + BATCH]) for begin in range(0, len(inputs), BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self.gallery.vectors.shape[1]), np.float32)

    def search(self, images: Mapping[str, bytes], top: int) -> list[Ranking]:
        """Rank the gallery for image files, in their order; see :meth:`features` and :func:`rank`."""
        return rank(self.gallery, self.features(images), list(images), top)

    def search_files(self, paths: Sequence[Path], top: int) -> list[Ranking]:
        """Rank the gallery for files on this machine; a file of the gallery is no hit of its own.

        Parameters
        ----------
        paths : sequence of Path
        top : int

        Raises
        ------
        InputError
            Files that are no images or cannot be read, all of them; or the network takes no images.
        """
        vectors, problems = [], []
        for begin in track(range(0, len(paths), BATCH), "search", -(-len(paths) // BATCH)):
            pixels = []
            for path in paths[begin : begin + BATCH]:
                try:
                    pixels.append(self._decoded(path.read_bytes()))
                except UnusableImageError as error:
                    problems.append(f"{path}: {error}")
                except OSError as error:
                    problems.append(f"{path}: {error.strerror}")
            if not problems:
                vectors.append(self.network(np.stack(pixels)))
        self._raise(problems, len(paths))
        row_of = {str(Path(self.gallery.root) / path): row for row, path in enumerate(self.gallery.paths)}
        itself = [row_of.get(str(path.absolute())) for path in paths]
        return rank(self.gallery, np.concatenate(vectors), [str(path) for path in paths], top, itself)

    def search_features(self, given: NDArray[np.floating], names: Sequence[str], top: int) -> list[Ranking]:
        """Rank the gallery for features that were computed elsewhere.

        Parameters
        ----------
        given : float [Q, D]
            What a network on given features takes.
        names : sequence of str, Q long
        top : int

        Raises
        ------
        InputError
            Another number of them, features that are not finite or all 0, or the network takes images.
        """
        wanted = self.gallery.form.features
        if not wanted:
            raise InputError(f"the network of run {self.gallery.run!r} takes images, and no features")
        if given.ndim != 2 or given.shape[1] != wanted or not np.issubdtype(given.dtype, np.floating):
            raise InputError(f"queries are {given.dtype} {list(given.shape)}, not floats [queries, {wanted}]")
        lengths = np.linalg.norm(given, axis=1)
        unusable = np.flatnonzero(~((lengths > 0) & (lengths < np.inf)))
        wrong = [f"{names[row]}: length {lengths[row]}" for row in unusable.tolist()]
        if wrong:
            raise InputError(format_problems("queries cannot be used", wrong, "Compute their features again."))
        return rank(self.gallery, self.embed(given.astype(np.float32)), list(names), top)


def onnx_network(content: bytes) -> Network:
    """Return an exported network that onnxruntime runs on the CPU.

    Raises
    ------
    ParameterError
        onnxruntime is not installed, or the content is no network.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ParameterError("an exported network needs the package onnxruntime: pip install onnxruntime") from error
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has its own
        raise ParameterError(f"{NETWORK} cannot be read: {error}") from error
    name = session.get_inputs()[0].name

    def network(inputs: NDArray[np.generic]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {name: np.ascontiguousarray(inputs)})[0]
        return found

    return network
