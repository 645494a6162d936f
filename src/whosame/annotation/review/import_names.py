"""Import of names: what a table of another program says otherwise than the identities now becomes a review."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Connection

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.answers import add_answers
from whosame.annotation.review.names import check_name, name_identity
from whosame.annotation.review.read_state import read_state
from whosame.annotation.review.record import Reviewer, add_review
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Contradiction, Statement, weigh
from whosame.annotation.review.table import NONE
from whosame.errors import InputError, format_problems


@dataclass(frozen=True)
class ImportedNames:
    """What an import has stored.

    Attributes
    ----------
    images : int
        Training images that the table names.
    answers : int
        Answers that were stored.
    named : int
        Identities that got a name.
    """

    images: int
    answers: int
    named: int


def import_names(
    connection: Connection, state: ReviewState, number: int, names: Mapping[int, str], annotator: str, session: str
) -> ImportedNames:
    """Store what a table of names says: answers about pairs, and names of identities; all of it or nothing.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write, with the lock of the run.
    state : ReviewState
        Read in this transaction.
    number : int
        The round that the run is in, or that begins next.
    names : mapping of int to str
        The name of some rows. Of the other rows nothing is said.
    annotator : str
        Whose answers they are: this person can undo them on the page.
    session : str
        The uid of the import, by which it is undone as a whole:
        :func:`~whosame.annotation.exchange.undo_answers.import_uid`.

    Raises
    ------
    InputError
        The table contradicts answers or the catalogue.
    TakenError, RefusedError
        A name cannot be given.
    """
    statements, references = stated_by(state, names)
    weighed = weigh(state, statements, annotator)
    if weighed.contradictions:
        problems = [_problem(state, names, each) for each in weighed.contradictions]
        raise InputError(
            format_problems(
                "the table contradicts answers",
                problems,
                "Nothing was imported. Change the table, or undo the answers on the page.",
            )
        )
    if weighed.new:
        first = references[names[weighed.new[0][1]]]
        identity = int(state.labels[first])
        person = Reviewer(annotator, session, 0.0)
        row = first if identity != NONE else _any_member(state)
        found, about = add_review(connection, state, "merge", int(state.labels[row]), row, person)
        common = {"round": number, "annotator": annotator, "session": session, "seconds": 0.0}
        common |= {"answered_at": about["reviewed_at"], "review": found}
        add_answers(connection, state, common, weighed.new)
    return ImportedNames(len(names), len(weighed.new), _name(connection, state, references, annotator, session))


def stated_by(state: ReviewState, names: Mapping[int, str]) -> tuple[list[Statement], dict[str, int]]:
    """Return what names say otherwise than the identities now, with few statements, and the row of each name.

    An identity belongs to the name that most of its named images have. Images of another name leave it, images of
    this name in no identity, or in that of another name, join it, and identities of one name are joined. Names of
    images that leave one identity are two individuals.

    Parameters
    ----------
    state : ReviewState
    names : mapping of int to str

    Returns
    -------
    list of Statement
    dict of str to int
        The row that the others of a name are compared with.
    """
    groups: dict[str, list[int]] = {}
    for row in sorted(names, key=lambda row: (-float(state.table.closeness[row]), row)):
        groups.setdefault(names[row], []).append(row)
    counts = Counter((int(state.labels[row]), name) for row, name in names.items())
    owner: dict[int, str] = {}
    home: dict[str, int] = {}
    for (label, name), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if label != NONE and owner.setdefault(label, name) == name:
            home.setdefault(name, label)
    references = {
        name: next((row for row in rows if state.labels[row] == home.get(name, NONE)), rows[0])
        for name, rows in groups.items()
    }
    statements: list[Statement] = []
    for name, rows in groups.items():
        reference, joined = references[name], {home.get(name)}
        for row in (reference, *(row for row in rows if row != reference)):
            label = int(state.labels[row])
            foreign = label != NONE and owner[label] != name
            if row != reference and (foreign or label not in joined):
                statements.append((reference, row, True))
            if foreign:
                statements.append((references[owner[label]], row, False))
            elif label != NONE:
                joined.add(label)
    for label, itself in owner.items():
        others = sorted(name for at, name in counts if at == label and name != itself)
        statements += [(references[one], references[other], False) for one, other in combinations(others, 2)]
    return statements, references


def _name(
    connection: Connection, state: ReviewState, references: Mapping[str, int], annotator: str, session: str
) -> int:
    """Give the identities their names; return how many got one."""
    named = 0
    for name, row in references.items():
        state = read_state(connection, state.table, [state])
        label = int(state.labels[row])
        if name.isdecimal() or label == NONE or state.names[label] == name:
            continue  # a number is no name that a person gave; what is in no identity yet gets a number first
        person = Reviewer(annotator, session, 0.0)
        name_identity(connection, state, label, state.version(label), check_name(name), person)
        named += 1
    return named


def _any_member(state: ReviewState) -> int:
    """Return a row of an identity: a review is about one."""
    if not state.members:
        raise RefusedError("unknown", "the run has no identity yet")
    return int(next(iter(state.members.values()))[0])


def _problem(state: ReviewState, names: Mapping[int, str], found: Contradiction) -> str:
    one, other = (f"{state.table.paths[row]} ({names[row]})" for row in found.rows)
    people = sorted({answer.annotator for answer in found.answers})
    why = found.known or (f"answers of {', '.join(people)}" if people else "what the table says elsewhere")
    return f"{one} and {other} would be {'one individual' if found.same else 'two'}, against {why}"
