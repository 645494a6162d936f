"""Votes of a round: the answers that its questions have, and how many more the open ones need."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, case, func, select

from whosame.annotation.store.schema import tasks


@dataclass(frozen=True)
class RoundVotes:
    """How far people are with the questions that are asked in a round.

    A strategy may ask more when it has these answers, and answers may make open questions needless: what is missing is
    what is known to be asked, so that a round ends with nothing missing.

    Attributes
    ----------
    given : int
        Answers that count, several to a question where several people answer it.
    missing : int
        Answers that the open questions need: more than one each with overlap, or where people disagree.
    decided, waiting : int
        Questions that are decided, and that are open.
    """

    given: int
    missing: int
    decided: int
    waiting: int

    @property
    def total(self) -> int:
        """Answers given and missing."""
        return self.given + self.missing

    def with_another(self, *, decides: bool) -> "RoundVotes":
        """Return the counts after one more answer; ``decides``: it decides its question."""
        missing = max(self.missing - 1, 0)
        if not decides:
            return replace(self, given=self.given + 1, missing=missing)
        return RoundVotes(self.given + 1, missing, self.decided + 1, max(self.waiting - 1, 0))


def round_votes(connection: Connection, run_uid: str, number: int) -> RoundVotes:
    """Count the votes of a round.

    Parameters
    ----------
    connection : Connection
    run_uid : str
    number : int
        The round, from 0.
    """
    of = tasks.c
    counts = select(
        func.sum(of.votes),
        func.sum(case((of.open, of.votes_needed - of.votes), else_=0)),
        func.sum(case((and_(~of.open, of.votes > 0), 1), else_=0)),
        func.sum(case((of.open, 1), else_=0)),
    )
    row = connection.execute(counts.where(of.run_uid == run_uid, of.round == number)).one()
    return RoundVotes(*(int(count or 0) for count in row))
