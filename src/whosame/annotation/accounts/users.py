"""Users: who may answer. A user has a name, a role, and a login token of which only the hash is stored."""

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
from whosame.names import composed

Role = Literal["annotator", "coordinator"]
TOKEN_BYTES = 32
LONGEST = 64
NAME = re.compile(r"\w(?:[\w .'@+-]*[\w.'@+-])?")
MARKS = ("Mn", "Mc")  # accents and vowel signs that have no character together with their letter
MACHINES = ("oracle", "noisy-oracle")  # the other names that sign answers in the store


@dataclass(frozen=True)
class User:
    """A person who may answer.

    Attributes
    ----------
    name, role : str
    added_at : str
        UTC, ISO 8601.
    last_seen : float or None
        Time of their last request to the page, s since the epoch.
    """

    name: str
    role: Role
    added_at: str
    last_seen: float | None


def add_user(store: LabelStore, name: str, *, role: Role = "annotator", now: Callable[[], float] = time.time) -> str:
    """Add a user and return their login token. The token cannot be read again, only replaced.

    A user who was removed and is added again is the same user: earlier answers are theirs.

    Parameters
    ----------
    store : LabelStore
    name : str
        See :func:`user_name`.
    role : str
        ``annotator`` or ``coordinator``.
    now : callable
        Returns the time, s since the epoch.

    Raises
    ------
    ParameterError
        The name or the role is not valid, or another user has the name, in upper or lower case.
    """
    name = user_name(name)
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
        values = {"role": role, "token_hash": token_hash(token), "added_at": stamp(now()), "removed": False}
        if any(other == name for other, _ in known):
            connection.execute(update(users).where(users.c.name == name).values(values))
        else:
            insert = INSERT[connection.dialect.name](users).on_conflict_do_nothing(index_elements=["name"])
            if connection.execute(insert.values(name=name, **values).returning(users.c.id)).first() is None:
                raise ParameterError(f"there is an annotator {name!r} already, added at the same moment")
        audit_log.record(connection, audit_log.TERMINAL, "added", {"name": name, "role": role}, now=now())
    return token


def remove_user(store: LabelStore, name: str, *, now: Callable[[], float] = time.time) -> None:
    """Remove a user: their sessions end and their leases are released, their answers stay.

    Raises
    ------
    ParameterError
        No user has the name; the message offers similar names.
    """
    with store.writing() as connection:
        user_id, name = _find(connection, name)
        connection.execute(update(users).where(users.c.id == user_id).values(removed=True))
        _end_sessions(connection, user_id)
        release_leases(connection, name)
        audit_log.record(connection, audit_log.TERMINAL, "removed", {"name": name}, now=now())


def rotate_token(
    store: LabelStore, name: str, *, end_sessions: bool = True, now: Callable[[], float] = time.time
) -> str:
    """Replace a user's login token and return the new one; the old link stops working.

    Parameters
    ----------
    store : LabelStore
    name : str
    end_sessions : bool
        Whether sessions that began with the old link end too.
    now : callable
        Returns the time, s since the epoch.

    Raises
    ------
    ParameterError
        No user has the name; the message offers similar names.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with store.writing() as connection:
        user_id, name = _find(connection, name)
        connection.execute(update(users).where(users.c.id == user_id).values(token_hash=token_hash(token)))
        if end_sessions:
            _end_sessions(connection, user_id)
        details = {"name": name, "logins_ended": end_sessions}
        audit_log.record(connection, audit_log.TERMINAL, "rotated", details, now=now())
    return token


def add_or_rotate(store: LabelStore, name: str, *, now: Callable[[], float] = time.time) -> str:
    """Return a new login token for the person who starts the page; a new name is added as a coordinator.

    The page may start often, so that sessions go on: a person who works on it notices nothing.
    """
    name = user_name(name)
    if name in [user.name for user in all_users(store)]:
        return rotate_token(store, name, end_sessions=False, now=now)
    return add_user(store, name, role="coordinator", now=now)


def all_users(store: LabelStore) -> list[User]:
    """Return the users who are not removed, by name."""
    last_seen = select(func.max(sessions.c.last_seen)).where(sessions.c.user_id == users.c.id).scalar_subquery()
    query = select(users.c.name, users.c.role, users.c.added_at, last_seen).where(~users.c.removed)
    with store.reading() as connection:
        return sorted((User(*row) for row in connection.execute(query)), key=lambda user: user.name.casefold())


def token_owner(store: LabelStore, token: str) -> str | None:
    """Return the name of the user whose login token this is; None: it is no user's."""
    query = select(users.c.name).where(users.c.token_hash == token_hash(token), ~users.c.removed)
    with store.reading() as connection:
        found = connection.scalar(query)
    return None if found is None else str(found)


def token_hash(token: str) -> str:
    """Return what the store keeps of a token: its SHA-256. 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def user_name(name: str) -> str:
    """Return a name as the store keeps it, in Unicode form NFC.

    Raises
    ------
    ParameterError
        It is empty, too long, has characters that names do not have, or belongs to a machine.
    """
    one_form = composed(name)
    letters = "".join(sign for sign in one_form if unicodedata.category(sign) not in MARKS)
    if not NAME.fullmatch(letters) or letters[:1] != one_form[:1] or len(one_form) > LONGEST:
        raise ParameterError(
            f"{name[:80]!r} cannot be the name of an annotator: take 1 to 64 letters, digits, . _ - + @ ' or spaces "
            "between them, beginning with a letter or a digit"
        )
    if one_form.casefold() in MACHINES:
        raise ParameterError(f"{name!r} signs the answers that no person gave: take another name")
    return one_form


def _find(connection: Connection, name: str) -> tuple[int, str]:
    name = composed(name)
    query = select(users.c.name, users.c.id).where(~users.c.removed)
    known = {row.name: row.id for row in connection.execute(query)}
    if not known:
        raise ParameterError(f"there is no annotator {name!r}, nor any other: kedro annotators add {name!r}")
    if name not in known:
        raise unknown_name("annotator", name, known)
    return int(known[name]), name


def _end_sessions(connection: Connection, user_id: int) -> None:
    connection.execute(update(sessions).where(sessions.c.user_id == user_id).values(ended=True))
