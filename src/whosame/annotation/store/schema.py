"""The tables of the label store, the same for SQLite and PostgreSQL.

``answer_events``, ``undos``, ``skips``, ``reviews``, ``review_undos`` and ``audit_events`` are append-only
(:mod:`~whosame.annotation.store.append_only`). The other tables have the present state: open questions, leases, users,
sessions.
"""

from collections.abc import Sequence
from typing import get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    exists,
    false,
)

from whosame.questions import Kind, Verdict

# Names by rule, so that a migration can name every constraint.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _row_id() -> Column[int]:
    # The order in which rows were added: clocks can be set back, this cannot.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    # Another value needs a revision that replaces the constraint.
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


answer_events = Table(
    "answer_events",
    metadata,
    _row_id(),
    Column("run_uid", String(64), nullable=False),
    Column("run", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("image_a", BigInteger, nullable=False),
    Column("image_b", BigInteger, nullable=False),
    Column("digest_a", String(64), nullable=False),
    Column("digest_b", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("answered_at", String(32), nullable=False),
    # How many answers to the same question this annotator has undone before.
    Column("revision", Integer, nullable=False, server_default="0"),
    # The lease that it answers: a request sent twice is one answer. Null: it did not come from the page.
    Column("lease", String(43), nullable=True),
    # The login session in which it was given: undo reaches back to its start.
    Column("session", String(64), nullable=True),
    # Whether it decides a pair on which others disagree.
    Column("settles", Boolean, nullable=False, server_default=false()),
    # The answer of another run that this one repeats.
    Column("found_in", BigInteger, nullable=True),
    # The review that it is part of; null: it answers one pair.
    Column("review", BigInteger, nullable=True),
    # One answer, however often it is sent. It also finds the answers of a run, its first column.
    UniqueConstraint("run_uid", "image_a", "image_b", "annotator", "attempt", "revision"),
    Index("ux_answer_events_lease", "lease", unique=True),
    Index("ix_answer_events_digests", "digest_a", "digest_b"),  # finds answers of other runs
    CheckConstraint("image_a < image_b", name="pair_in_order"),
    _one_of("kind", get_args(Kind)),
    _one_of("verdict", get_args(Verdict)),
    _one_of("source", ("human", "oracle")),  # free answers are not kept
    sqlite_autoincrement=True,
)

undos = Table(
    "undos",
    metadata,
    _row_id(),
    Column("event_id", BigInteger, ForeignKey("answer_events.id"), nullable=False, unique=True),
    Column("annotator", Text, nullable=False),
    Column("undone_at", String(32), nullable=False),
    sqlite_autoincrement=True,
)

# A run that people answer for, as its loop last described it.
runs = Table(
    "runs",
    metadata,
    Column("run_uid", String(64), primary_key=True),
    Column("run", Text, nullable=False),
    Column("root", Text, nullable=False),  # folder of the images
    Column("round", Integer, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("asked", Integer, nullable=False),  # in the rounds before, of the budget
    Column("budget", Integer, nullable=False),  # of the whole run
    Column("round_budget", Integer, nullable=False),
    Column("overlap", Integer, nullable=False),  # people that each pair is shown to
    Column("state", String(16), nullable=False),  # asking | working | over
    Column("last_heartbeat", Float, nullable=False),  # s since the epoch
    Column("guide", Text, nullable=False, server_default="{}"),  # question, instruction, examples: queue/guide.py
    Column(
        "guard", String(16), nullable=False, server_default="watching"
    ),  # | paused | continue | stop: queue/guard.py
    Column("answers_so_far", Text, nullable=False, server_default="{}"),  # JSON: queue/guard.py
)

# The images of a run's questions, so that the page needs only this store and the images' folder.
images = Table(
    "images",
    metadata,
    Column("run_uid", String(64), primary_key=True),
    Column("image", BigInteger, primary_key=True),
    Column("path", Text, nullable=False),  # under the run's root
    Column("digest", String(64), nullable=False),
    Column("token", String(22), nullable=False, unique=True),  # random: the name of the image on the page
)

tasks = Table(
    "tasks",
    metadata,
    _row_id(),
    Column("run_uid", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("image_a", BigInteger, nullable=False),
    Column("image_b", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("position", Integer, nullable=False),  # in the order of asking; the smallest first
    Column("votes", Integer, nullable=False),  # answers that were not undone
    Column("votes_needed", Integer, nullable=False),  # more than the overlap where people disagree
    Column("open", Boolean, nullable=False),  # neither decided nor implied by other answers
    # Tokens of images that earlier answers join to image_a, and to image_b: JSON.
    Column("exemplars", Text, nullable=False, server_default="[]"),
    Column("p_same", Float, nullable=True),  # before asking; null where the strategy gives none
    UniqueConstraint("run_uid", "image_a", "image_b", "attempt"),
    Index("ix_tasks_open", "run_uid", "open", "position"),
    sqlite_autoincrement=True,
)

# Which pair is shown to whom. An expired lease stays valid until another person takes its place.
leases = Table(
    "leases",
    metadata,
    Column("token", String(43), primary_key=True),
    Column("task_id", BigInteger, ForeignKey("tasks.id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("session", String(64), nullable=False),
    Column("swapped", Boolean, nullable=False),  # image_b is on the left
    Column("leased_at", Float, nullable=False),  # s since the epoch
    Column("expires_at", Float, nullable=False),
    UniqueConstraint("task_id", "annotator"),
    Index("ix_leases_annotator", "annotator"),
)

skips = Table(
    "skips",
    metadata,
    _row_id(),
    Column("task_id", BigInteger, ForeignKey("tasks.id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("lease", String(43), nullable=False, unique=True),
    Column("skipped_at", String(32), nullable=False),
    Index("ix_skips_annotator", "annotator", "task_id"),
    sqlite_autoincrement=True,
)

# What a person did with an identity as a whole. Its answers are in answer_events.
reviews = Table(
    "reviews",
    metadata,
    _row_id(),
    Column("run_uid", String(64), nullable=False),
    Column("form", String(16), nullable=False),
    Column("identity", Text, nullable=False),  # as it was named then
    Column("image", BigInteger, nullable=False),  # that the others were compared with, or that carries the name
    Column("name", Text, nullable=True),  # of form "name"
    Column("annotator", Text, nullable=False),
    Column("session", String(64), nullable=False),
    Column("request", String(43), nullable=False, unique=True),  # a request sent twice is one review
    Column("seconds", Float, nullable=False),
    Column("reviewed_at", String(32), nullable=False),
    Index("ix_reviews_run_uid", "run_uid"),
    _one_of("form", ("tick", "merge", "name")),
    sqlite_autoincrement=True,
)

review_undos = Table(
    "review_undos",
    metadata,
    _row_id(),
    Column("review_id", BigInteger, ForeignKey("reviews.id"), nullable=False, unique=True),
    Column("annotator", Text, nullable=False),
    Column("undone_at", String(32), nullable=False),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    _row_id(),
    Column("name", Text, nullable=False, unique=True),
    Column("role", String(16), nullable=False),  # annotator | coordinator
    Column("token_hash", String(64), nullable=False),  # SHA-256 of the login token
    Column("added_at", String(32), nullable=False),
    Column("removed", Boolean, nullable=False),
    Index("ux_users_token_hash", "token_hash", unique=True),
    sqlite_autoincrement=True,
)

# One login of one user. Its secret is in the cookie alone.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie's secret
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("started_at", Float, nullable=False),  # s since the epoch
    Column("last_seen", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("ended", Boolean, nullable=False),
)

# Keys that sign cookies and forms.
signing_keys = Table("signing_keys", metadata, Column("name", String(32), primary_key=True), Column("key", String(64)))

audit_events = Table(
    "audit_events",
    metadata,
    _row_id(),
    Column("at", String(32), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("details", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)

# Conditions of queries: an answer that was not undone; the task that an answer is to.
NOT_UNDONE = ~exists().where(undos.c.event_id == answer_events.c.id)
TASK_OF_ANSWER = and_(
    answer_events.c.run_uid == tasks.c.run_uid,
    answer_events.c.image_a == tasks.c.image_a,
    answer_events.c.image_b == tasks.c.image_b,
    answer_events.c.attempt == tasks.c.attempt,
)
