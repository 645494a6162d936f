"""The last answers of a run, as they came."""

from dataclasses import dataclass

from sqlalchemy import and_, select

from whosame.annotation.store.schema import TASK_OF_ANSWER, answer_events, images, tasks, undos
from whosame.annotation.store.store import LabelStore
from whosame.questions import Verdict


@dataclass(frozen=True)
class Recent:
    """An answer as it was given: the pair's question and handles, who, what, when; and whether it still stands."""

    event: int
    task: int | None
    handles: tuple[str, str]
    annotator: str
    verdict: Verdict
    seconds: float
    at: str
    settles: bool
    taken_back: bool


def recent(store: LabelStore, run_uid: str, *, limit: int = 20, annotator: str | None = None) -> list[Recent]:
    """Return the last answers of a run, the newest first, those taken back among them.

    Parameters
    ----------
    annotator : str, optional
        Only this person's.
    """
    newest = select(answer_events.c.id).where(answer_events.c.run_uid == run_uid)
    if annotator is not None:
        newest = newest.where(answer_events.c.annotator == annotator)
    chosen = newest.order_by(answer_events.c.id.desc()).limit(limit).subquery()
    a, b = images.alias(), images.alias()
    query = (
        select(
            answer_events.c.id,
            tasks.c.id,
            a.c.token,
            b.c.token,
            answer_events.c.annotator,
            answer_events.c.verdict,
            answer_events.c.seconds,
            answer_events.c.answered_at,
            answer_events.c.settles,
            undos.c.id.is_not(None),
        )
        .join(chosen, chosen.c.id == answer_events.c.id)
        .join(a, and_(a.c.run_uid == answer_events.c.run_uid, a.c.image == answer_events.c.image_a))
        .join(b, and_(b.c.run_uid == answer_events.c.run_uid, b.c.image == answer_events.c.image_b))
        .outerjoin(tasks, TASK_OF_ANSWER)
        .outerjoin(undos, undos.c.event_id == answer_events.c.id)
        .order_by(answer_events.c.id.desc())
    )
    with store.reading() as connection:
        return [
            Recent(event, task, (one, other), *rest) for event, task, one, other, *rest in connection.execute(query)
        ]
