"""Logins: a sitting is one login of one person, with a beginning and an end. Its secret is with the browser alone."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from whosame.annotation.accounts.users import TOKEN_BYTES, Role, hashed
from whosame.annotation.queue.leases import released
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import page_keys, people, sittings
from whosame.annotation.store.store import INSERT, LabelStore

LASTING = 12 * 3600.0  # s
IDLE = 4 * 3600.0  # s without a request
SKEW = 300.0  # s that a clock may be set back without anybody noticing
NOTED = 60.0  # s: how exactly the last request is known; finer would be a write a request


STANDING = (
    select(sittings, people.c.name, people.c.role)
    .join(people, people.c.id == sittings.c.person_id)
    .where(sittings.c.sitting == bindparam("name"), ~sittings.c.ended, ~people.c.removed)
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
        query = select(people).where(people.c.token_hash == hashed(token), ~people.c.removed)
        person = connection.execute(query.with_for_update()).first()  # not removed or rotated in between
        if person is None:
            audit_log.record(connection, audit_log.UNKNOWN, "login failed", {"address": address}, now=now())
            return None
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        began = now()
        values = {"sitting": hashed(secret), "person_id": person.id, "began": began, "seen": began, "ended": False}
        connection.execute(sittings.insert().values({**values, "until": began + LASTING}))
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
    if abs(moment - row.seen) > NOTED:
        with store.writing() as connection:
            connection.execute(update(sittings).where(sittings.c.sitting == name).values(seen=moment))
    return Sitting(name, row.name, row.role)


def end(store: LabelStore, sitting: Sitting, *, now: Callable[[], float] = time.time) -> None:
    """Log out: the sitting ends and its pairs go back. Asked for twice, it is one logout."""
    with store.writing() as connection:
        mine = (sittings.c.sitting == sitting.sitting) & ~sittings.c.ended
        if connection.execute(update(sittings).where(mine).values(ended=True)).rowcount == 1:
            released(connection, sitting.name, sitting=sitting.sitting)
            audit_log.record(connection, sitting.name, "logged out", {}, now=now())


def signing_key(store: LabelStore, name: str = "cookies") -> str:
    """Return the key that signs cookies and forms, made on first use; whoever comes first makes it for all."""
    query = select(page_keys.c.key).where(page_keys.c.name == name)
    with store.reading() as connection:
        found = connection.scalar(query)
    if found is None:
        with store.writing() as connection:
            insert = INSERT[connection.dialect.name](page_keys).on_conflict_do_nothing(index_elements=["name"])
            connection.execute(insert, {"name": name, "key": secrets.token_hex(TOKEN_BYTES)})
            found = connection.scalar(query)
    return str(found)


def _lasts(row: Row[Any], now: float) -> bool:
    return bool(row.began - SKEW <= now < row.until and now - row.seen < IDLE)
