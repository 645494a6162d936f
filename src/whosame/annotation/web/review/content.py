"""Review content: sheets and contradictions as the page's script reads them, images by their tokens."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from whosame.annotation.review.open_reviews import OpenReview, OpenReviews
from whosame.annotation.review.sheet import Sheet, sheet_of
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Contradiction
from whosame.annotation.review.tokens import Tokens
from whosame.annotation.review.undo import last_review
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import Visitor


def open_reviews(request: Request) -> OpenReviews:
    """Return the reviews of the application that a request is sent to."""
    reviews: OpenReviews = request.app.state.reviews
    return reviews


def content(
    request: Request,
    review: OpenReview,
    state: ReviewState,
    who: Visitor,
    identity: int | None = None,
    page: int = 0,
) -> dict[str, Any]:
    """Return a sheet with the tokens of its images, and of those of the next one."""
    store: LabelStore = request.app.state.store
    shown = sheet_of(state, identity, page) or sheet_of(state)
    if shown is None:
        return {"run": state.table.run_uid, "sheet": None}
    ahead = next_sheet(state, shown)
    with store.reading() as connection:
        undoable = last_review(connection, state.table.run_uid, who.name)
    return {"run": state.table.run_uid, "sheet": _as_dict(shown, review.tokens), "undoable": undoable} | {
        "ahead": [review.tokens.of(row) for row in ahead.images] if ahead else []
    }


def next_sheet(state: ReviewState, shown: Sheet) -> Sheet | None:
    """Return the sheet that comes after one: its next page, or the first of the next identity."""
    if shown.page + 1 < shown.pages:
        return sheet_of(state, shown.identity, shown.page + 1)
    return None if shown.following is None else sheet_of(state, shown.following)


def _as_dict(shown: Sheet, tokens: Tokens) -> dict[str, Any]:
    kept = ("identity", "name", "version", "position", "total", "reviewed", "page", "pages", "size")
    return {name: getattr(shown, name) for name in (*kept, "following", "preceding")} | {
        "images": [
            {"token": tokens.of(row), "note": shown.notes.get(row, "")} for row in (shown.reference, *shown.rows)
        ],
        "suggestions": [
            {"identity": each.identity, "name": each.name, "tokens": [tokens.of(row) for row in each.rows]}
            for each in shown.suggestions
        ],
    }


def contradictions(review: OpenReview, found: Sequence[Contradiction]) -> list[dict[str, Any]]:
    """Return contradictions for the page: who answered what."""
    tokens, row_of = review.tokens, review.table.row
    return [
        {
            "tokens": [tokens.of(row) for row in each.rows],
            "same": each.same,
            "known": each.known,
            "answers": [
                {
                    "who": answer.annotator,
                    "verdict": answer.verdict,
                    "review": answer.review,
                    "tokens": [
                        tokens.of(row) for row in map(row_of, (answer.image_a, answer.image_b)) if row is not None
                    ],
                }
                for answer in each.answers
            ],
        }
        for each in found
    ]
