"""Open searches: the galleries that the page has searched, and their networks, kept in memory until they change."""

import threading
from collections import Counter
from functools import cached_property
from pathlib import Path

import numpy as np

from whosame.annotation.accounts.sessions import signing_key
from whosame.annotation.review.tokens import Tokens
from whosame.annotation.store.store import LabelStore
from whosame.artefacts import EXPORT, SEARCH
from whosame.data.decoding import UnusableImageError, inspect
from whosame.errors import InputError, WhosameError
from whosame.runs import Run, all_runs
from whosame.search.gallery import ABOUT, Gallery
from whosame.search.ranking import Hit, Ranking, rank
from whosame.search.searcher import NETWORK, Network, Searcher, onnx_network

TOP = 24  # identities of a result
LOOKED_AT = 500  # hits, among which they are
MAX_PIXELS = 50e6  # of a photograph: a small file can unfold to many


class NoSearchError(WhosameError):
    """There is nothing to search; the message says why, and what to do."""


class OpenSearch:
    """A gallery that is searched. Threads may share it.

    Parameters
    ----------
    folder : Path
        With the gallery's files and, where the run was exported, its network.
    key : str
        For the tokens of its images.

    Attributes
    ----------
    gallery : Gallery
    tokens : Tokens
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.gallery = Gallery.load(folder)
        self.tokens = Tokens(key, f"{self.gallery.run} {folder}", np.arange(len(self.gallery)))
        self._folder = folder
        self._lock = threading.Lock()
        self._network: Network | None = None

    @property
    def takes_images(self) -> bool:
        """Whether photographs can be searched for, and not only images of the gallery."""
        return (self._folder / NETWORK).exists() and not self.gallery.form.features

    def of_image(self, content: bytes) -> Ranking:
        """Rank the gallery for a photograph, which is kept nowhere.

        Raises
        ------
        InputError
            It is no image.
        NoSearchError
            The run was not exported.
        """
        try:
            inspect(content, MAX_PIXELS)
        except UnusableImageError as error:
            raise InputError(str(error)) from error
        if not self.takes_images:
            raise NoSearchError(f"photographs are searched for after an export: {export_command(self.gallery.run)}")
        with self._lock:
            if self._network is None:
                self._network = onnx_network((self._folder / NETWORK).read_bytes())
        [ranking] = Searcher(self.gallery, self._network).search({"the photograph": content}, LOOKED_AT)
        return _by_identity(ranking)

    def of_row(self, row: int) -> Ranking:
        """Rank the gallery for one of its images, which is no hit of its own."""
        [ranking] = rank(self.gallery, self.gallery.vectors[row : row + 1], [self.gallery.paths[row]], LOOKED_AT, [row])
        return _by_identity(ranking)

    @cached_property
    def sizes(self) -> Counter[str]:
        """How many images of the gallery each identity has."""
        return Counter(self.gallery.identities)


def _by_identity(ranking: Ranking) -> Ranking:
    """Keep the best hit of each identity, with the most images that answers join; images without one stay."""
    hits: dict[str, Hit] = {}
    for hit in ranking.hits:
        name = hit.identity or f"\0{hit.row}"  # no name has this character
        best = hits.setdefault(name, hit)
        hits[name] = best._replace(images=max(best.images, hit.images))
    return ranking._replace(hits=[*hits.values()][:TOP])


class OpenSearches:
    """The galleries of a project's runs. Threads may share it.

    Parameters
    ----------
    store : LabelStore
    runs : Path or None
        ``data/runs`` of the project; None: this machine does not have it.
    """

    def __init__(self, store: LabelStore, runs: Path | None) -> None:
        self._store, self._runs = store, runs
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[float, OpenSearch]] = {}

    def open(self, run_uid: str | None) -> OpenSearch:
        """Return the gallery of the run with a uid, or the newest one.

        Raises
        ------
        NoSearchError
        """
        if self._runs is None:
            raise NoSearchError("this page was started without the folder of the runs")
        folder = self._folder(run_uid)
        stamp = (folder / ABOUT).stat().st_mtime
        with self._lock:
            kept = self._kept.get(folder)
            if kept is None or kept[0] != stamp:
                try:
                    kept = stamp, OpenSearch(folder, signing_key(self._store, "search"))
                except (OSError, WhosameError) as error:
                    raise NoSearchError(f"the gallery cannot be read: {error}") from error
                self._kept[folder] = kept
            return kept[1]

    def root(self, search: OpenSearch) -> Path:
        """Return the folder of the images of a gallery."""
        assert self._runs is not None
        return self._runs.parent.parent / search.gallery.root

    def _folder(self, run_uid: str | None) -> Path:
        assert self._runs is not None
        runs = list(all_runs(self._runs)) if self._runs.is_dir() else []
        if run_uid:
            runs = [run for run in runs if run.about().get("uid") == run_uid]
        found = {run: folder for run in runs if (folder := _gallery_folder(run)) is not None}
        if not found:
            name = runs[0].name if run_uid and runs else "RUN"
            raise NoSearchError(f"there is no gallery yet: after a round is complete, {export_command(name)}")
        return found[max(found, key=lambda run: ((found[run] / ABOUT).stat().st_mtime, run.name))]


def export_command(name: str) -> str:
    """Return what makes the gallery and the network of a run."""
    return f"type kedro run --pipelines=export --params=run={name}"


def _gallery_folder(run: Run) -> Path | None:
    folders = (run.folder / EXPORT / "model", run.folder / SEARCH)  # the first has the network, too
    return next((folder for folder in folders if (folder / ABOUT).exists()), None)
