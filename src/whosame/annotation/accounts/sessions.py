"""Login sessions: one login of one user, with a beginning and an end. Only the browser holds its secret."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from whosame.annotation.accounts.users import TOKEN_BYTES, Role, token_hash
from whosame.annotation.queue.leases import release_leases
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import sessions, signing_keys, users
from whosame.annotation.store.store import INSERT, LabelStore

LIFETIME = 12 * 3600.0  # s that a session lasts at most
IDLE_LIMIT = 4 * 3600.0  # s without a request that end a session
CLOCK_SKEW = 300.0  # s that a clock may be set back before running sessions end
TOUCH_INTERVAL = 60.0  # s between two updates of the last request's time; finer would be a write a request

# Built once: every request runs it, and building it takes longer than running it.
VALID_SESSION = (
    select(sessions, users.c.name, users.c.role)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("session"), ~sessions.c.ended, ~users.c.removed)
)


@dataclass(frozen=True)
class Session:
    """A valid login session.

    Attributes
    ----------
    id : str
        SHA-256 of the session's secret.
    name, role : str
        Of its user.
    """

    id: str
    name: str
    role: Role


def log_in(
    store: LabelStore, token: str, *, address: str = "", now: Callable[[], float] = time.time
) -> tuple[str, Session] | None:
    """Begin a session with a login token: return its secret and the session; None: the token is no user's.

    The audit log records a login and a failed login with the browser's ``address``, never the token.
    """
    with store.writing() as connection:
        query = select(users).where(users.c.token_hash == token_hash(token), ~users.c.removed)
        user = connection.execute(query.with_for_update()).first()  # not removed or rotated in between
        if user is None:
            audit_log.record(connection, audit_log.UNKNOWN, "login failed", {"address": address}, now=now())
            return None
        secret, moment = secrets.token_urlsafe(TOKEN_BYTES), now()
        session = Session(token_hash(secret), user.name, user.role)
        times = {"started_at": moment, "last_seen": moment, "expires_at": moment + LIFETIME}
        connection.execute(sessions.insert().values(id=session.id, user_id=user.id, ended=False, **times))
        audit_log.record(connection, user.name, "logged in", {"address": address}, now=moment)
        return secret, session


def find_session(store: LabelStore, secret: str, *, now: Callable[[], float] = time.time) -> Session | None:
    """Return the session of a secret; None: there is none, or it has ended or expired.

    A session that starts in the future began before the clock was set back. Its age is unknown, so it is not valid.
    """
    session_id, moment = token_hash(secret), now()
    row = store.glance(VALID_SESSION, {"session": session_id})
    if row is None or not _is_current(row, moment):
        return None
    if abs(moment - row.last_seen) > TOUCH_INTERVAL:
        with store.writing() as connection:
            connection.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen=moment))
    return Session(session_id, row.name, row.role)


def log_out(store: LabelStore, session: Session, *, now: Callable[[], float] = time.time) -> None:
    """End a session and release its leases. A second call changes nothing."""
    with store.writing() as connection:
        running = (sessions.c.id == session.id) & ~sessions.c.ended
        if connection.execute(update(sessions).where(running).values(ended=True)).rowcount == 1:
            release_leases(connection, session.name, session=session.id)
            audit_log.record(connection, session.name, "logged out", {}, now=now())


def signing_key(store: LabelStore, name: str = "cookies") -> str:
    """Return the key that signs cookies and forms, hexadecimal; the first process that needs it makes it for all."""
    query = select(signing_keys.c.key).where(signing_keys.c.name == name)
    with store.reading() as connection:
        found = connection.scalar(query)
    if found is None:
        with store.writing() as connection:
            insert = INSERT[connection.dialect.name](signing_keys).on_conflict_do_nothing(index_elements=["name"])
            connection.execute(insert, {"name": name, "key": secrets.token_hex(TOKEN_BYTES)})
            found = connection.scalar(query)
    return str(found)


def _is_current(row: Row[Any], now: float) -> bool:
    return bool(row.started_at - CLOCK_SKEW <= now < row.expires_at and now - row.last_seen < IDLE_LIMIT)
