"""Histories of a project: rounds, names, reviews, imports, undos and forks, by the code that plays them, without training."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select

from whosame import active_round, artefacts
from whosame.annotation.exchange.export_answers import export_run
from whosame.annotation.exchange.import_answers import import_file
from whosame.annotation.exchange.run_images import RunImages, StoredRun
from whosame.annotation.exchange.undo_answers import Chosen, import_uid_of, undo_answers
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import lease_pairs
from whosame.annotation.queue.submit import RefusedError, submit_answer
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.queue.undo import last_undoable, undo_answer
from whosame.annotation.review.names import TakenError, name_identity
from whosame.annotation.review.open_reviews import OpenReviews
from whosame.annotation.review.record import ContradictionsError, Review, Reviewer, record_review
from whosame.annotation.review.statements import merged, one_individual, ticked
from whosame.annotation.review.undo import last_review, undo_review
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, metadata, tasks
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.annotation.store.uids import audit_uid
from whosame.annotators.earlier_answers import recall
from whosame.annotators.human import ask_people
from whosame.annotators.record import PeopleRecord
from whosame.app.forks import fork
from whosame.atomic import writing
from whosame.clustering import ClusteringConfig, base_clusters, enforce
from whosame.data.manifest import Manifest, as_table
from whosame.errors import InputError
from whosame.memory import LabelMemory
from whosame.naming.collect_answers import all_answers
from whosame.naming.config import NamingConfig
from whosame.naming.given_names import write_given_names
from whosame.naming.identify import identify
from whosame.naming.identity_table import identity_rows, read_identities, write_identities
from whosame.naming.nearest_identities import nearest_identities
from whosame.naming.written_names import check_names, keep_written, read_before, read_written
from whosame.runs import Run
from whosame.seeding import stream
from whosame.strategies import registry
from whosame.strategies.gain.value import GainConfig
from whosame.tables import asked_so_far, memory_table, read_memory, with_found

IMAGES, WORLDS, ROUNDS, ASKED = 14, 6, 6, 3
STARTS = 12  # different worlds and strategies
PEOPLE = ("ann", "bob", "cid")
OTHER = {"same": "different", "different": "same"}
STRATEGIES = ("random", "dcps", "gain", "uncertainty")
METHOD = ClusteringConfig(k1=6, k2=2, min_samples=2, eps=0.7)
MANIFEST = Manifest(
    Path("/images"),
    "drawn",
    as_table(
        pa.table(
            {
                "path": [f"{image:02}.jpg" for image in range(IMAGES)],
                "split": ["query" if image in (0, 5) else "train" for image in range(IMAGES)],  # ids are not rows
                "camera": [image % 2 for image in range(IMAGES)],
                "identity": pa.array([None] * IMAGES, pa.int64()),
                "height": [8] * IMAGES,
                "width": [8] * IMAGES,
                "digest": [f"digest {image}" for image in range(IMAGES)],
            },
        )
    ),
)
IDS = MANIFEST.image_ids("train")
CAMERAS = MANIFEST.cameras(IDS)
PATHS = MANIFEST.table["path"].iloc[IDS].tolist()
DIGESTS = tuple(MANIFEST.table["digest"].iloc[IDS])
REFS = dict(zip(IDS.tolist(), map(ImageRef, PATHS, DIGESTS), strict=True))


NOTHING = memory_table(None, LabelMemory(), [], IDS, 0)


class World(NamedTuple):
    """Drawn features, who is on each image, and the clusters before any answer."""

    features: np.ndarray
    truth: np.ndarray
    clustering: object


@cache
def world(number):
    draw = np.random.default_rng([17, number])
    truth = draw.integers(0, 4, len(IDS))
    points = draw.normal(size=(4, 8))[truth] + 0.9 * draw.normal(size=(len(IDS), 8))
    features = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return World(features, truth, base_clusters(features, CAMERAS, METHOD))


class KilledError(Exception):
    """The process of a round was killed."""


class History:
    """A project: a label store and runs, on fixed features. Every step is played by the code of the commands."""

    def __init__(self, folder, store, number):
        self.folder, self.store, self.world = folder, store, world(number % WORLDS)
        self._known, self._files = {}, {}
        self._names, self._now = count(), count(1_800_000_000)
        self.data = folder / "data"
        self.runs = [Run(run) for run in sorted((self.data / "runs").glob("*"))]
        self.reviews = OpenReviews(store, self.data / "runs")

    ids, rounds = IDS, ROUNDS

    def now(self):
        return float(next(self._now))

    def read(self, file):
        """Read a file of a round, once: none is ever changed, which the test checks."""
        if file not in self._files:
            self._files[file] = artefacts.read(file)
        return self._files[file]

    def learnt(self, run):
        """The labels of a run's last round, and the answers that they obey."""
        folder = run.round(run.completed() - 1)
        return self.read(folder / artefacts.LABELS), read_memory(self.read(folder / artefacts.MEMORY), IDS)

    def new_run(self, overlap, strategy):
        run = Run(self.data / "runs" / f"run{len(self.runs)}")
        run.folder.mkdir(parents=True)
        self._describe(run, overlap, strategy)
        self.runs.append(run)
        return run

    def _describe(self, run, overlap, strategy):
        if not (run.folder / artefacts.IMAGES).exists():
            MANIFEST.save(run.folder / artefacts.IMAGES)
        about = {"uid": f"uid-{run.name}", "manifest": {"digest": MANIFEST.digest}, "strategy": strategy}
        about["configuration"] = {"annotator_options": {"overlap": overlap}}
        artefacts.write(run.folder / artefacts.RUN, about)

    def fork(self, run, at):
        made = Run(self.data / "runs" / f"fork{next(self._names)}")
        fork(run, at, made)
        self._describe(made, self.overlap(run), run.about()["strategy"])  # as its first round does
        self.runs.append(made)

    # What is known of a run.

    def uids(self, run):
        return (run.about()["uid"], *run.origins)

    def overlap(self, run):
        return run.about()["configuration"]["annotator_options"]["overlap"]

    def memory(self, run):
        """Every answer of a run as the names take it now."""
        return self._once("memory", run, self._memory)

    def changed(self):
        """Compute what is known of the runs anew: something was done."""
        self._known.clear()

    def _once(self, what, run, compute):
        if (what, run) not in self._known:
            self._known[what, run] = compute(run)
        return self._known[what, run]

    def _memory(self, run):
        done = run.completed()
        table = self.read(run.round(done - 1) / artefacts.MEMORY) if done else NOTHING
        return all_answers(self.store, self.uids(run), done, table, None, IDS, self.overlap(run))

    def labels(self, memory):
        return enforce(self.world.clustering.labels, self.world.features, memory)

    def named(self, run):
        return (run.folder / artefacts.IDENTITIES).exists()

    def review_state(self, run):
        """The state of the review, as the page keeps it from one request to the next."""
        return self.reviews.open(run).state()

    def rows(self, *where):
        """All rows of the answers, as they are stored."""
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(select(answer_events).where(*where).order_by("id"))]

    def valid(self, *where):
        """The answers that were not undone."""
        with self.store.reading() as connection:
            return connection.execute(select(answer_events).where(NOT_UNDONE, *where).order_by("id")).all()

    def kept(self):
        """All rows of the tables that are append-only, as they are stored."""
        names = ("answer_events", "undos", "skips", "reviews", "review_undos", "audit_events")
        with self.store.reading() as connection:
            return {name: [tuple(row) for row in connection.execute(select(metadata.tables[name]))] for name in names}

    def files(self, run):
        found = sorted(path for path in run.folder.rglob("*") if path.is_file())
        return {path: hashlib.blake2b(path.read_bytes()).digest() for path in found}

    def state(self, run):
        """What people see of a run: answers that count, what follows from them, labels, and names under review."""
        return self._once("state", run, self._state)

    def _state(self, run):
        memory = self.memory(run)
        seen = [[tuple(row) for row in self.valid(answer_events.c.run_uid == run.about()["uid"])], memory.log]
        seen += [memory.conflicts, self.labels(memory).tolist()]
        if self.named(run):
            state = self.review_state(run)
            seen += [state.labels.tolist(), dict(state.names), state.memory.log, state.order, state.reviewed]
        return seen

    # What people and commands do.

    def play_round(self, run, draw, *, cut_off=True):
        """Play the next round, or go on with one that was killed; return whether it was completed."""
        number, overlap, strategy = run.completed(), self.overlap(run), registry.make(run.about()["strategy"])
        folder = run.round(number)
        before = self.read(run.round(number - 1) / artefacts.MEMORY) if number else None
        about = {"run": run.name, "round": number, "image_ids": IDS, "digests": DIGESTS, "overlap": overlap}
        found = artefacts.read_if_whole(folder / artefacts.FOUND)
        if found is None:
            found = recall(self.store, run_uids=self.uids(run), memory=before, people=True, **about)
            artefacts.write(folder / artefacts.FOUND, found)
        start = with_found(before, found, number)
        memory = read_memory(start, IDS)
        features, clustering = self.world.features, self.world.clustering
        labels = active_round.apply_earlier_answers(clustering.labels, features, memory, reuse=True)
        state = active_round.describe_round(
            features,
            clustering._replace(labels=labels),
            CAMERAS,
            active_round.RunState(memory, asked_so_far(start)),
            number=number,
            schedule=[ASKED] * ROUNDS,
            seed=7,
        )
        uid = run.about()["uid"]
        info = RunInfo(uid, run.name, "/images", number, ROUNDS, asked_so_far(start), 99, state.budget, overlap)
        people = People(self, run, draw, cut_off=cut_off)
        try:
            _, result = ask_people(
                partial(active_round.select_pairs, strategy, state),
                partial(PeopleRecord, self.store, run_uid=uid, **about),
                TaskQueue(self.store, info, REFS),
                memory,
                budget=state.budget,
                grace=0.0,
                poll_seconds=0.0,
                watch=people.act,
            )
        except KilledError:
            return False
        in_force = active_round.memory_in_force(result.memory, len(memory.log), reuse=True)
        labels = active_round.reassign(strategy, state, in_force, result.answers, np.zeros(len(IDS), np.int64))
        artefacts.write(folder / artefacts.MEMORY, memory_table(start, result.memory, result.answers, IDS, number))
        artefacts.write(folder / artefacts.LABELS, labels)
        (folder / artefacts.CHECKPOINT).write_bytes(b"weights")
        artefacts.write(folder / artefacts.METRICS, {"round": number})
        return True

    def name(self, run, _):
        """Write the table of identities, as ``kedro identities`` does."""
        write_given_names(run, self.store, MANIFEST)
        own, features = run.folder / artefacts.IDENTITIES, self.world.features
        check_names(read_written(run.folder).names, read_identities(own))
        memory = self.memory(run)
        before = read_before(run.folder, PATHS, [""] * len(IDS), memory)
        generator = stream(7, "naming", run.completed())
        model = (NamingConfig(), GainConfig())
        found = identify(features, self.world.clustering, CAMERAS, memory, generator, *model, before)
        rows = identity_rows(MANIFEST, found, read_identities(own))
        with writing(own) as opened:
            opened.write(write_identities(rows))
        keep_written(run.folder, rows, memory.query_counts(len(IDS)).tolist())
        near = nearest_identities(features, [row.identity for row in rows], own.read_bytes())
        artefacts.write(run.folder / artefacts.IDENTITIES_NEAR, near)
        return found.labels, memory

    def review(self, run, draw):
        """Let a person tick, join or name; return how it is undone, None where nothing was stored."""
        person = str(draw.choice(PEOPLE))
        with self.reviews.open(run).changing() as (connection, state):
            if not state.members:
                return None
            identity = int(draw.choice(sorted(state.members)))
            reference, own = state.reference(identity), state.members[identity]
            inside = [row for row in own.tolist() if row != reference and draw.random() < 0.4]
            others = [state.reference(label) for label in sorted(state.members) if label != identity]
            same = [row for row in others if draw.random() < 0.4]
            who = Reviewer(person, f"session of {person}", 1.0)
            form = str(draw.choice(["tick", "one", "merge", "name"]))
            try:
                if form == "name":
                    given = str(draw.choice(["Rex", "Tom", "Ida"]))
                    done = name_identity(connection, state, identity, state.version(identity), given, who, now=self.now)
                else:
                    statements = {
                        "tick": ticked(reference, inside),
                        "one": one_individual(reference, inside),
                        "merge": merged(reference, same, [row for row in others if row not in same]),
                    }[form]
                    mode = str(draw.choice(["ask", "leave", "keep"]))
                    what = ("merge" if form == "merge" else "tick", identity, state.version(identity), reference)
                    review = Review(*what, statements, who, mode)
                    done = record_review(connection, state, run.completed(), review, now=self.now).id
            except (ContradictionsError, TakenError):
                return None
        return partial(self._undo_review, run, person, done)

    def _undo_review(self, run, person, review):
        with self.store.writing() as connection:
            assert last_review(connection, run.about()["uid"], person) is not None
            undo_review(connection, review, person, set(), now=self.now())

    def import_answers(self, run, draw):
        """Import a file of somebody's answers; return how that is undone, None where the file is refused."""
        lines = ["path_a,path_b,verdict,annotator,answered_at"]
        for _ in range(draw.integers(1, 4)):
            a, b = draw.choice(PATHS, 2, replace=False)
            verdict = draw.choice(["same", "different", "unsure"])
            at = draw.choice(["", "2025-03-01T09:30:00+00:00"])
            lines.append(f"{a},{b},{verdict},{draw.choice([*PEOPLE, 'dan'])},{at}")
        file = self.folder / f"{next(self._names)}.csv"
        file.write_text("\n".join(lines))
        stored, images = StoredRun(run.about()["uid"], run.name), RunImages(REFS, Path("/images"))
        before = self.kept()
        try:
            import_file(self.store, file, stored, images, now=self.now)
        except InputError:
            assert self.kept() == before
            return None
        again = import_file(self.store, file, stored, images, now=self.now)
        assert again.counted == again.kept == 0
        return partial(undo_answers, self.store, Chosen(import_uid=import_uid_of(file)), now=self.now)

    def exchange(self, run, _):
        """Write the run's answers to a file, and import it: nothing is new."""
        file, stored = self.folder / "answers.csv", StoredRun(run.about()["uid"], run.name)
        images = RunImages(REFS, Path("/images"))
        export_run(self.store, stored, images, file, form="csv")
        said = {}
        for row in self.valid(answer_events.c.run_uid == stored.uid, ~answer_events.c.settles):
            said.setdefault((row.image_a, row.image_b, row.annotator, row.attempt), set()).add(row.verdict)
        if any(len(verdicts) > 1 for verdicts in said.values()):  # somebody has kept a note against their own answer
            with pytest.raises(InputError, match=r"but .* to the same pair"):
                import_file(self.store, file, stored, images, now=self.now)
            return
        done = import_file(self.store, file, stored, images, now=self.now)
        assert done.counted == done.kept == done.undone == 0

    def audit(self, run, draw):
        """Let a person answer for an audit: no run may know of it."""
        a, b = sorted(draw.choice(len(IDS), 2, replace=False).tolist())
        pair = (int(IDS[a]), int(IDS[b]), DIGESTS[a], DIGESTS[b], "pool")
        uid = audit_uid(run.about()["uid"], f"names{next(self._names)}", 0)
        self.store.append(
            [AnswerEvent(uid, "audit", 0, *pair, str(draw.choice(["same", "different"])), "human", "ann", 1.0)]
        )

    def undo_some(self, run, draw):
        """Undo what a person has said in a run, of whatever age, or all answers about a pair."""
        mine = self.valid(answer_events.c.run_uid == run.about()["uid"])
        if not mine:
            return
        row = mine[draw.integers(len(mine))]
        by_pair = draw.random() < 0.7
        about = {"pair": (row.image_a, row.image_b)} if by_pair else {"annotator": row.annotator}
        chosen = Chosen(run.about()["uid"], **about)
        assert undo_answers(self.store, chosen, now=self.now) > 0

    def undo_everything(self):
        """Undo every review and every answer of people there is."""
        with self.store.writing() as connection:
            for run in self.runs:
                for person in PEOPLE:
                    while (review := last_review(connection, run.about()["uid"], person)) is not None:
                        undo_review(connection, review, person, set(), now=self.now())
        undo_answers(self.store, Chosen(), now=self.now)

    def close(self):
        shutil.rmtree(self.folder)


class People:
    """The people at the page while a round asks: each look of the loop at the store, one of them does something."""

    def __init__(self, history, run, draw, *, cut_off):
        self.history, self.run, self.uid = history, run, run.about()["uid"]
        self.draw, self.looks = draw, 0
        kinds = ["answer"] * 6 + (["undo", "settle", "import", "review", "kill"] if cut_off else ["undo", "settle"])
        self.script = draw.choice(kinds, draw.integers(0, 6)).tolist()
        self.lost = draw.choice([0.0, 0.3])  # share of wrong answers

    def act(self, _):
        self.looks += 1
        assert self.looks < 200, "the round never ends"
        what = self.script.pop(0) if self.script else "answer"
        if what == "kill":
            raise KilledError
        if what == "import":
            self.history.import_answers(self.run, self.draw)
        elif what == "review":
            if self.history.named(self.run):
                self.history.review(self.run, self.draw)
        else:
            getattr(self, what)()

    def answer(self):
        """Let the first person for whom there is a pair answer it, and perhaps the next ones."""
        for person in self.draw.permutation(PEOPLE).tolist():
            now, session, some = self.history.now(), f"session of {person}", int(self.draw.integers(1, 4))
            with self.history.store.writing() as connection:
                leases = lease_pairs(connection, self.uid, person, session, count=some, now=now)
                for lease in leases:
                    verdict = self.verdict(connection, lease)
                    submit_answer(connection, lease.token, person, session, verdict, 1.0, now=now + 1)
            if leases:
                return

    def verdict(self, connection, lease):
        task = connection.execute(select(tasks).where(tasks.c.id == lease.task)).one()
        a, b = np.searchsorted(IDS, (task.image_a, task.image_b))
        right = "same" if self.history.world.truth[a] == self.history.world.truth[b] else "different"
        luck = self.draw.random()
        return OTHER[right] if luck < self.lost else "unsure" if luck > 0.95 else right

    def undo(self):
        person = str(self.draw.choice(PEOPLE))
        who = (person, f"session of {person}")
        with self.history.store.writing() as connection:
            event = last_undoable(connection, self.uid, *who)
            if event is not None:
                with suppress(RefusedError):  # a coordinator has decided the pair, or it was answered again
                    undo_answer(connection, event, *who, now=self.history.now())

    def settle(self):
        with self.history.store.reading() as connection:
            asked = connection.execute(select(tasks.c.id).where(tasks.c.run_uid == self.uid)).scalars().all()
        if asked:
            task, verdict = int(self.draw.choice(asked)), str(self.draw.choice(["same", "different"]))
            with suppress(RefusedError):  # it has no answer yet, or is of an earlier round
                adjudicate(self.history.store, self.uid, task, "eva", verdict, now=self.history.now)


@pytest.fixture(scope="module")
def history_of(made_sqlite):
    """Begin a history in one of the drawn worlds, in memory where the system has a folder there."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="whosame-histories-", dir=memory if memory.is_dir() else None))
    numbers, file = count(), folder / "labels.db"
    shutil.copy(made_sqlite, file)

    def restore(source, target):
        # Behind the one store that is open: another store would compile every statement anew.
        with closing(sqlite3.connect(source)) as saved, closing(sqlite3.connect(target)) as used:
            saved.backup(used)

    def begin(number, overlap):
        begun = folder / f"begun-{number % STARTS}-{overlap}"
        own = folder / str(next(numbers))
        if not begun.exists():  # the first round and its names, once for all histories that begin with them
            own.mkdir()
            restore(made_sqlite, file)
            history = History(own, store, number)
            run = history.new_run(overlap, STRATEGIES[number % len(STRATEGIES)])
            history.play_round(run, np.random.default_rng(number % STARTS), cut_off=False)
            history.name(run, None)
            own.rename(begun)
            restore(file, begun / "labels.db")
        restore(begun / "labels.db", file)
        shutil.copytree(begun, own, ignore=shutil.ignore_patterns("labels.db"), copy_function=os.link)
        return History(own, store, number)

    with open_store(f"sqlite:///{file}") as store:
        yield begin
    shutil.rmtree(folder)
