"""Logins: a sitting is one login of one person, with a beginning and an end. Its secret is with the browser alone."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from whosame.annotation.accounts.users import TOKEN_BYTES, Role, hashed
from whosame.annotation.queue.leases import release_leases
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import sessions, signing_keys, users
from whosame.annotation.store.store import INSERT, LabelStore

LASTING = 12 * 3600.0  # s
IDLE = 4 * 3600.0  # s without a request
SKEW = 300.0  # s that a clock may be set back without anybody noticing
NOTED = 60.0  # s: how exactly the last request is known; finer would be a write a request


STANDING = (
    select(sessions, users.c.name, users.c.role)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("name"), ~sessions.c.ended, ~users.c.removed)
)


@dataclass(frozen=True)
class Sitting:
    """A login that stands: its name (the hash of its secret), and whose it is."""

    sitting: str
    name: str
    role: Role


def begin(
    store: LabelStore, token: str, *, address: str = "", now: Callable[[], float] = time.time
) -> tuple[str, Sitting] | None:
    """Log in with a login token: return a new sitting and its secret; None: nobody has this token.

    Either is written into the audit log, the token never.
    """
    with store.writing() as connection:
        query = select(users).where(users.c.token_hash == hashed(token), ~users.c.removed)
        person = connection.execute(query.with_for_update()).first()  # not removed or rotated in between
        if person is None:
            audit_log.record(connection, audit_log.UNKNOWN, "login failed", {"address": address}, now=now())
            return None
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        began = now()
        values = {"id": hashed(secret), "user_id": person.id, "started_at": began, "last_seen": began, "ended": False}
        connection.execute(sessions.insert().values({**values, "expires_at": began + LASTING}))
        audit_log.record(connection, person.name, "logged in", {"address": address}, now=began)
        return secret, Sitting(hashed(secret), person.name, person.role)


def standing(store: LabelStore, secret: str, *, now: Callable[[], float] = time.time) -> Sitting | None:
    """Return the sitting that a secret opens; None: there is none, or it has ended or expired.

    A sitting from the future was begun before the clock was set back. Nobody knows how old it is, so it is not valid.
    """
    name, moment = hashed(secret), now()
    row = store.glance(STANDING, {"name": name})
    if row is None or not _lasts(row, moment):
        return None
    if abs(moment - row.last_seen) > NOTED:
        with store.writing() as connection:
            connection.execute(update(sessions).where(sessions.c.id == name).values(last_seen=moment))
    return Sitting(name, row.name, row.role)


def end(store: LabelStore, sitting: Sitting, *, now: Callable[[], float] = time.time) -> None:
    """Log out: the sitting ends and its pairs go back. Asked for twice, it is one logout."""
    with store.writing() as connection:
        mine = (sessions.c.id == sitting.sitting) & ~sessions.c.ended
        if connection.execute(update(sessions).where(mine).values(ended=True)).rowcount == 1:
            release_leases(connection, sitting.name, session=sitting.sitting)
            audit_log.record(connection, sitting.name, "logged out", {}, now=now())


def signing_key(store: LabelStore, name: str = "cookies") -> str:
    """Return the key that signs cookies and forms, made on first use; whoever comes first makes it for all."""
    query = select(signing_keys.c.key).where(signing_keys.c.name == name)
    with store.reading() as connection:
        found = connection.scalar(query)
    if found is None:
        with store.writing() as connection:
            insert = INSERT[connection.dialect.name](signing_keys).on_conflict_do_nothing(index_elements=["name"])
            connection.execute(insert, {"name": name, "key": secrets.token_hex(TOKEN_BYTES)})
            found = connection.scalar(query)
    return str(found)


def _lasts(row: Row[Any], now: float) -> bool:
    return bool(row.started_at - SKEW <= now < row.expires_at and now - row.last_seen < IDLE)
