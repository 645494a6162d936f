"""The tables of the label store, for SQLite and PostgreSQL alike.

What people said is appended and never changed: ``answer_events``, ``take_backs``, ``skips`` and ``audit_events`` refuse
every update and delete. The other tables hold what is true now: which pairs wait, who looks at which, who may.
"""

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
    exists,
    false,
)

# Names by rule, so that a migration can speak of every constraint.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def _number() -> Column[int]:
    # The order in which rows were added: clocks can be set back, this cannot.
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


answer_events = Table(
    "answer_events",
    metadata,
    _number(),
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
    # How many answers to the same question this annotator has taken back before.
    Column("revision", Integer, nullable=False, server_default="0"),
    # The hold that it answers: a request sent twice is one answer. Null: it came another way than the page.
    Column("hold", String(43), nullable=True),
    # The login under which it was given: what may be taken back goes back to its beginning.
    Column("sitting", String(64), nullable=True),
    # Whether it decides a pair about which others disagree.
    Column("settles", Boolean, nullable=False, server_default=false()),
    # Where it was found again: the answer of another run that this one repeats.
    Column("found_in", BigInteger, nullable=True),
    # One answer, however often it is sent. It also finds the answers of a run, its first column.
    UniqueConstraint("run_uid", "image_a", "image_b", "annotator", "attempt", "revision"),
    Index("ux_answer_events_hold", "hold", unique=True),
    Index("ix_answer_events_digests", "digest_a", "digest_b"),  # finds answers of other runs
    CheckConstraint("image_a < image_b", name="pair_in_order"),
    CheckConstraint("kind IN ('within', 'between', 'pool')", name="kind"),
    CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="verdict"),
    CheckConstraint("source IN ('human', 'oracle')", name="source"),
    sqlite_autoincrement=True,
)

take_backs = Table(
    "take_backs",
    metadata,
    _number(),
    Column("event_id", BigInteger, ForeignKey("answer_events.id"), nullable=False, unique=True),
    Column("annotator", Text, nullable=False),
    Column("taken_back_at", String(32), nullable=False),
    sqlite_autoincrement=True,
)

# Of an answer that was not taken back.
STANDS = ~exists().where(take_backs.c.event_id == answer_events.c.id)

# A run that people answer for, as its loop last described it.
campaigns = Table(
    "campaigns",
    metadata,
    Column("run_uid", String(64), primary_key=True),
    Column("run", Text, nullable=False),
    Column("root", Text, nullable=False),  # folder of the images
    Column("round", Integer, nullable=False),
    Column("rounds", Integer, nullable=False),
    Column("asked", Integer, nullable=False),  # in the rounds before, of the budget
    Column("budget", Integer, nullable=False),  # of the whole run
    Column("round_budget", Integer, nullable=False),
    Column("overlap", Integer, nullable=False),  # people that each pair is put to
    Column("state", String(16), nullable=False),  # asking | working | over
    Column("seen", Float, nullable=False),  # s since the epoch: when the loop last said so
)

# The images of a run's questions, so that the page needs nothing but this store and the images' folder.
pictures = Table(
    "pictures",
    metadata,
    Column("run_uid", String(64), primary_key=True),
    Column("image", BigInteger, primary_key=True),
    Column("path", Text, nullable=False),  # under the campaign's root
    Column("digest", String(64), nullable=False),
    Column("handle", String(22), nullable=False, unique=True),  # what the page calls it: random
)

tasks = Table(
    "tasks",
    metadata,
    _number(),
    Column("run_uid", String(64), nullable=False),
    Column("round", Integer, nullable=False),
    Column("image_a", BigInteger, nullable=False),
    Column("image_b", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("place", Integer, nullable=False),  # in the order of asking; the smallest first
    Column("answered", Integer, nullable=False),  # answers that were not taken back
    Column("wanted", Integer, nullable=False),  # people to answer it; more than the overlap where they disagree
    Column("open", Boolean, nullable=False),  # neither decided nor settled by other answers
    UniqueConstraint("run_uid", "image_a", "image_b", "attempt"),
    Index("ix_tasks_waiting", "run_uid", "open", "place"),
    sqlite_autoincrement=True,
)

# Who looks at which pair. A hold that has lapsed is good until somebody else takes its place.
holds = Table(
    "holds",
    metadata,
    Column("token", String(43), primary_key=True),
    Column("task_id", BigInteger, ForeignKey("tasks.id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("sitting", String(64), nullable=False),
    Column("swapped", Boolean, nullable=False),  # image_b stands on the left
    Column("since", Float, nullable=False),  # s since the epoch
    Column("until", Float, nullable=False),
    UniqueConstraint("task_id", "annotator"),
    Index("ix_holds_annotator", "annotator"),
)

skips = Table(
    "skips",
    metadata,
    _number(),
    Column("task_id", BigInteger, ForeignKey("tasks.id"), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("hold", String(43), nullable=False, unique=True),
    Column("skipped_at", String(32), nullable=False),
    Index("ix_skips_annotator", "annotator", "task_id"),
    sqlite_autoincrement=True,
)

people = Table(
    "people",
    metadata,
    _number(),
    Column("name", Text, nullable=False, unique=True),
    Column("role", String(16), nullable=False),  # annotator | coordinator
    Column("token_hash", String(64), nullable=False),  # SHA-256 of the login token
    Column("added_at", String(32), nullable=False),
    Column("removed", Boolean, nullable=False),
    Index("ux_people_token_hash", "token_hash", unique=True),
    sqlite_autoincrement=True,
)

# One login of one person. Its secret is in the cookie alone.
sittings = Table(
    "sittings",
    metadata,
    Column("sitting", String(64), primary_key=True),  # SHA-256 of the cookie's secret
    Column("person_id", BigInteger, ForeignKey("people.id"), nullable=False),
    Column("began", Float, nullable=False),  # s since the epoch
    Column("seen", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("ended", Boolean, nullable=False),
)

# Keys that sign cookies and forms.
page_keys = Table("page_keys", metadata, Column("name", String(32), primary_key=True), Column("key", String(64)))

audit_events = Table(
    "audit_events",
    metadata,
    _number(),
    Column("at", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(32), nullable=False),
    Column("about", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)
