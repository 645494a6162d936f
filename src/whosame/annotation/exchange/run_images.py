"""Run images: finds a run in the label store, and its images by digest or path."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from whosame.annotation.exchange.undo_answers import IMPORT_PREFIX
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.store.schema import answer_events, images, runs
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.uids import is_audit
from whosame.data.manifest import Manifest
from whosame.errors import InputError, unknown_name
from whosame.names import composed


@dataclass(frozen=True)
class StoredRun:
    """A run in the label store: its unique id and its name."""

    uid: str
    name: str


def find_run(store: LabelStore, name: str | None = None) -> StoredRun:
    """Return the run of a name, the newest of several; without a name, the run that was active last; never an audit.

    Raises
    ------
    InputError
        The store has no run.
    ParameterError
        It has none of that name; the message offers similar names.
    """
    last: dict[StoredRun, float] = {}
    with store.reading() as connection:
        newest = func.max(answer_events.c.answered_at)
        answered = select(answer_events.c.run_uid, answer_events.c.run, newest).group_by(
            answer_events.c.run_uid, answer_events.c.run
        )
        for uid, run, at in connection.execute(answered):
            last[StoredRun(uid, run)] = datetime.fromisoformat(at).timestamp()
        for uid, run, seen in connection.execute(select(runs.c.run_uid, runs.c.run, runs.c.last_heartbeat)):
            last[StoredRun(uid, run)] = max(seen, last.get(StoredRun(uid, run), 0.0))
    last = {run: at for run, at in last.items() if not is_audit(run.uid)}
    if name is None:
        last = {run: at for run, at in last.items() if not run.uid.startswith(IMPORT_PREFIX)}
    named = {run: at for run, at in last.items() if name in (None, run.name)}
    if not last:
        raise InputError(
            f"the label store {store.where} has no run yet: play one with kedro rounds. Answers are "
            "imported before it with the folder of their images: --params=images=PATH"
        )
    if not named:
        raise unknown_name("run", name, {run.name for run in last})
    return max(named, key=lambda run: (named[run], run.uid))


class RunImages:
    """The images that a run may ask about, by image id.

    Parameters
    ----------
    images : mapping of int to Picture
        Path and digest of each; an unknown path is empty.
    root : Path, optional
        The folder that the paths are relative to.
    """

    def __init__(self, images: Mapping[int, ImageRef], root: Path | None = None) -> None:
        self.images, self.root = dict(sorted(images.items())), root
        self._by_digest: dict[str, list[int]] = defaultdict(list)
        self._by_path: dict[str, int] = {}
        for image, picture in self.images.items():
            self._by_digest[picture.digest].append(image)
            self._by_path.setdefault(composed(picture.path), image)

    def find(self, digest: str, path: str) -> int | None:
        """Return the image of a digest, of several the one at ``path``; without a digest the one at ``path``.

        Unicode forms of a path are one path.
        """
        path = composed(path)
        if not digest:
            return self._by_path.get(path)
        same = self._by_digest.get(digest, [])
        there = (image for image in same if composed(self.images[image].path) == path)
        return next(there, same[0] if same else None)


def run_images(store: LabelStore, run: StoredRun, manifest: Manifest | None = None) -> RunImages:
    """Return the training images of a run; without its manifest, those that are in the store."""
    if manifest is not None:
        ids = manifest.image_ids("train")
        rows = manifest.table.iloc[ids]
        known = zip(ids.tolist(), map(ImageRef, rows["path"], rows["digest"]), strict=True)
        return RunImages(dict(known), manifest.root)
    events, shown = answer_events.c, images.c
    seen: dict[int, ImageRef] = {}
    with store.reading() as connection:
        for side in (events.image_a, events.digest_a), (events.image_b, events.digest_b):
            answered = connection.execute(select(*side).where(events.run_uid == run.uid).distinct())
            seen |= {image: ImageRef("", digest) for image, digest in answered}
        asked = connection.execute(select(shown.image, shown.path, shown.digest).where(shown.run_uid == run.uid))
        seen |= {image: ImageRef(path, digest) for image, path, digest in asked}
        root = connection.scalar(select(runs.c.root).where(runs.c.run_uid == run.uid))
    return RunImages(seen, None if root is None else Path(root))
