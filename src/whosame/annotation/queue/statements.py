"""The SQL statements of the queue, built once: building them at each request costs more than running them."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    update,
)

from whosame.annotation.store.schema import (
    NOT_UNDONE,
    TASK_OF_ANSWER,
    answer_events,
    images,
    leases,
    runs,
    skips,
    tasks,
)

CLOCK_SKEW = 60.0  # s that another process's clock may be ahead, or its transaction, while this one waited

_run: BindParameter[str] = bindparam("run")
_who: BindParameter[str] = bindparam("who")
_task: BindParameter[int] = bindparam("task")
_now: BindParameter[float] = bindparam("now")
# A lease from the future was made before the clock was set back: it would last for ever.
_valid = and_(leases.c.expires_at > _now, leases.c.leased_at <= _now + CLOCK_SKEW)
_image_a, _image_b = images.alias(), images.alias()


def _with_images(*columns: Any) -> Select[Any]:
    return (
        select(*columns, _image_a.c.token.label("token_a"), _image_b.c.token.label("token_b"))
        .select_from(tasks)
        .join(_image_a, and_(_image_a.c.run_uid == tasks.c.run_uid, _image_a.c.image == tasks.c.image_a))
        .join(_image_b, and_(_image_b.c.run_uid == tasks.c.run_uid, _image_b.c.image == tasks.c.image_b))
    )


_leased = exists().where(leases.c.task_id == tasks.c.id).label("leased")
TASK = _with_images(tasks.c.id, tasks.c.round, tasks.c.attempt, tasks.c.exemplars, _leased).where(tasks.c.id == _task)
_of_lease = (leases.c.token, leases.c.swapped, leases.c.leased_at, leases.c.expires_at, leases.c.session)
OWN_LEASES = (
    _with_images(tasks, *_of_lease)
    .join(leases, leases.c.task_id == tasks.c.id)
    .where(leases.c.annotator == _who, tasks.c.run_uid == _run)
    .order_by(tasks.c.id)
    .with_for_update(of=(tasks, leases))  # in this order; a lease that is gone by then is not returned
)

_leased_at = case((leases.c.leased_at > _now, _now), else_=leases.c.leased_at)  # the clock may have been set back
RENEW_LEASES = update(leases).where(leases.c.token.in_(bindparam("tokens", expanding=True)))
RENEW_LEASES = RENEW_LEASES.values(leased_at=_leased_at, expires_at=bindparam("end"), session=bindparam("login"))
DROP_EXPIRED_LEASES = delete(leases).where(leases.c.task_id == _task, ~_valid)
ADD_LEASE = leases.insert()

# Tasks that need a vote, and that this person neither has leased nor has answered; none while the run is paused.
_halted = exists().where(runs.c.run_uid == _run, (runs.c.guard == "paused") | (runs.c.guard == "stop"))
_with_others = (
    select(func.count()).select_from(leases).where(leases.c.task_id == tasks.c.id, leases.c.annotator != _who)
)
_free = and_(
    tasks.c.run_uid == _run,
    tasks.c.open,
    ~_halted,
    tasks.c.votes + _with_others.where(_valid).scalar_subquery() < tasks.c.votes_needed,
    ~exists().where(leases.c.task_id == tasks.c.id, leases.c.annotator == _who),
    ~exists().where(TASK_OF_ANSWER, answer_events.c.annotator == _who, NOT_UNDONE),
)
_first = select(tasks.c.id).where(_free).limit(1).with_for_update(skip_locked=True, of=tasks)
_in_order = (tasks.c.position, tasks.c.id)
_skipped = exists().where(skips.c.task_id == tasks.c.id, skips.c.annotator == _who)
NEXT_NEW = _first.where(~_skipped).order_by(*_in_order)
_skips = select(skips.c.task_id, func.count().label("times")).where(skips.c.annotator == _who).group_by(skips.c.task_id)
_often = _skips.subquery()
NEXT_SKIPPED = _first.join(_often, _often.c.task_id == tasks.c.id).order_by(_often.c.times, *_in_order)
STILL_FREE = TASK.where(_free)


def _advisory_locks(run_uid: Any) -> tuple[Any, Any]:
    hashed = func.hashtext(run_uid)
    return func.pg_advisory_xact_lock_shared(hashed), func.pg_advisory_xact_lock(hashed, func.hashtext(_who))


LOCK_ANNOTATOR = select(*_advisory_locks(_run))
_run_of = select(tasks.c.run_uid).join(leases, leases.c.task_id == tasks.c.id)
_run_of = _run_of.where(leases.c.token == bindparam("name"), leases.c.annotator == _who)
RUN_OF_TOKEN = {"sqlite": _run_of, "postgresql": _run_of.add_columns(*_advisory_locks(tasks.c.run_uid))}
# By an array, so that the planner never reads all tasks.
_own_tasks = select(leases.c.task_id).join(tasks, tasks.c.id == leases.c.task_id)
_own_tasks = _own_tasks.where(leases.c.annotator == _who, tasks.c.run_uid == _run).correlate(None)
_also = bindparam("also", type_=ARRAY(BigInteger))
_to_lock = func.array(_own_tasks.scalar_subquery(), type_=ARRAY(BigInteger)).concat(_also)
LOCK_TASKS = select(tasks.c.id).where(tasks.c.id == func.any(_to_lock)).order_by(tasks.c.id).with_for_update()

_same_question = (
    (answer_events.c.run_uid == _run)
    & (answer_events.c.image_a == bindparam("a"))
    & (answer_events.c.image_b == bindparam("b"))
    & (answer_events.c.attempt == bindparam("nth"))
)
_digest = select(images.c.digest).where(images.c.run_uid == _run)
_before = select(func.count()).select_from(answer_events).where(_same_question, answer_events.c.annotator == _who)
ANSWER_TO_LEASE = select(answer_events).where(answer_events.c.lease == bindparam("name"))
OVERLAP = select(runs.c.overlap).where(runs.c.run_uid == _run)
VOTES = select(answer_events.c.verdict, answer_events.c.settles, OVERLAP.scalar_subquery().label("overlap"))
VOTES = VOTES.where(_same_question, NOT_UNDONE).order_by(answer_events.c.id)
ADD_ANSWER = (
    answer_events.insert()
    .values(
        run=select(runs.c.run).where(runs.c.run_uid == _run).scalar_subquery(),
        digest_a=_digest.where(images.c.image == bindparam("a")).scalar_subquery(),
        digest_b=_digest.where(images.c.image == bindparam("b")).scalar_subquery(),
        revision=_before.scalar_subquery(),
    )
    .returning(answer_events.c.id)
)
UPDATE_TASK = update(tasks).where(tasks.c.id == _task)
DROP_LEASES = delete(leases).where(leases.c.task_id == _task)
DROP_OWN_LEASE = DROP_LEASES.where(leases.c.annotator == _who)
