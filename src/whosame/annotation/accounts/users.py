"""Who may answer: a person has a name, a role, and a login token of which only the hash is kept."""

import hashlib
import re
import secrets
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, func, select, update

from whosame.annotation.queue.leases import release_leases
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import sessions, users
from whosame.annotation.store.store import INSERT, LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.errors import ParameterError, unknown_name

Role = Literal["annotator", "coordinator"]
TOKEN_BYTES = 32
PLAIN = re.compile(r"\w(?:[\w .'@+-]{0,62}[\w.'@+-])?")
MACHINES = ("oracle", "noisy-oracle")  # who else signs answers in the store
TERMINAL = "(terminal)"  # no person can have this name


@dataclass(frozen=True)
class Person:
    """Somebody who may answer; ``seen`` is when they last did anything on the page, s since the epoch."""

    name: str
    role: Role
    added_at: str
    seen: float | None


def add(
    store: LabelStore,
    name: str,
    *,
    role: Role = "annotator",
    who: str = TERMINAL,
    now: Callable[[], float] = time.time,
) -> str:
    """Let somebody answer, and return their login token; it cannot be had a second time, only be replaced.

    Somebody who was removed and is added again is the same person: earlier answers are theirs.

    Raises
    ------
    ParameterError
        The name or the role cannot be, or somebody has the name, in whatever case of letters.
    """
    name = plain(name)
    if role not in get_args(Role):
        raise unknown_name("role", role, get_args(Role))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with store.writing() as connection:
        known = connection.execute(select(users.c.name, users.c.removed)).all()
        for other, removed in known:
            if other.casefold() == name.casefold() and not (other == name and removed):
                raise ParameterError(
                    f"there is an annotator {other!r} already: take another name"
                    + ("" if removed else f", or make a new link with kedro annotators rotate {other!r}")
                )
        values = {"role": role, "token_hash": hashed(token), "added_at": stamp(now()), "removed": False}
        if any(other == name for other, _ in known):
            connection.execute(update(users).where(users.c.name == name).values(values))
        else:
            insert = INSERT[connection.dialect.name](users).on_conflict_do_nothing(index_elements=["name"])
            if connection.execute(insert.values(name=name, **values).returning(users.c.id)).first() is None:
                raise ParameterError(f"there is an annotator {name!r} already, added this moment by somebody else")
        audit_log.record(connection, who, "added", {"name": name, "role": role}, now=now())
    return token


def remove(store: LabelStore, name: str, *, who: str = TERMINAL, now: Callable[[], float] = time.time) -> None:
    """Let somebody answer no more: their logins end, their pairs go back, their answers stay.

    Raises
    ------
    ParameterError
        Nobody has the name; names near it are offered.
    """
    with store.writing() as connection:
        number, name = _person(connection, name)
        connection.execute(update(users).where(users.c.id == number).values(removed=True))
        _end_sittings(connection, number)
        release_leases(connection, name)
        audit_log.record(connection, who, "removed", {"name": name}, now=now())


def rotate(
    store: LabelStore,
    name: str,
    *,
    ending: bool = True,
    who: str = TERMINAL,
    now: Callable[[], float] = time.time,
) -> str:
    """Replace somebody's login token by a new one and return it; the old link is dead.

    Parameters
    ----------
    ending : bool
        Whether logins made with the old link end too.

    Raises
    ------
    ParameterError
        Nobody has the name; names near it are offered.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with store.writing() as connection:
        number, name = _person(connection, name)
        connection.execute(update(users).where(users.c.id == number).values(token_hash=hashed(token)))
        if ending:
            _end_sittings(connection, number)
        audit_log.record(connection, who, "rotated", {"name": name, "logins_ended": ending}, now=now())
    return token


def welcome(store: LabelStore, name: str, *, role: Role = "coordinator", now: Callable[[], float] = time.time) -> str:
    """Return a new login token for the one who starts the page, who is added where unknown.

    The page may start often: logins go on, so that a person who is at work when it starts again notices nothing.
    """
    name = plain(name)
    if name in [person.name for person in everybody(store)]:
        return rotate(store, name, ending=False, now=now)
    return add(store, name, role=role, now=now)


def everybody(store: LabelStore) -> list[Person]:
    """Return all who may answer, by name."""
    seen = select(func.max(sessions.c.last_seen)).where(sessions.c.user_id == users.c.id).scalar_subquery()
    query = select(users.c.name, users.c.role, users.c.added_at, seen).where(~users.c.removed)
    with store.reading() as connection:
        return sorted((Person(*row) for row in connection.execute(query)), key=lambda person: person.name.casefold())


def owner(store: LabelStore, token: str) -> str | None:
    """Return whose login token this is; None: nobody's."""
    with store.reading() as connection:
        found = connection.scalar(select(users.c.name).where(users.c.token_hash == hashed(token), ~users.c.removed))
    return None if found is None else str(found)


def hashed(token: str) -> str:
    """Return what the store keeps of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def plain(name: str) -> str:
    """Return a name as it is kept, composed (NFC).

    Raises
    ------
    ParameterError
        It is empty, too long, has characters that names do not have, or is a machine's.
    """
    composed = _composed(name)
    if not PLAIN.fullmatch(composed):
        raise ParameterError(
            f"{name[:80]!r} cannot be the name of an annotator: take 1 to 64 letters, digits, . _ - + @ ' or spaces "
            "between them, beginning with a letter or a digit"
        )
    if composed.casefold() in MACHINES:
        raise ParameterError(f"{name!r} signs the answers that no person gave: take another name")
    return composed


def _person(connection: Connection, name: str) -> tuple[int, str]:
    name = _composed(name)
    known = {row.name: row.id for row in connection.execute(select(users.c.name, users.c.id).where(~users.c.removed))}
    if not known:
        raise ParameterError(f"there is no annotator {name!r}, nor any other: kedro annotators add {name!r}")
    if name not in known:
        raise unknown_name("annotator", name, known)
    return int(known[name]), name


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _end_sittings(connection: Connection, number: int) -> None:
    connection.execute(update(sessions).where(sessions.c.user_id == number).values(ended=True))
