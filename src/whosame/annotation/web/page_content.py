"""Page content: the values that the annotation page shows one person, as its script reads them."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from whosame.annotation.queue.guard import AnswersSoFar
from whosame.annotation.queue.guide import ShownGuide
from whosame.annotation.queue.leases import Lease

State = Literal["asking", "none", "thinking", "others", "working", "over", "away", "paused", "stopped"]
MESSAGES: dict[State, tuple[str, str]] = {
    "asking": ("", ""),
    "none": (
        "No run asks for answers yet",
        "Pairs appear here by themselves once one does: kedro rounds --params=annotator=human",
    ),
    "thinking": ("Choosing the next pairs", "They appear here by themselves."),
    "others": (
        "Nothing left for you just now",
        "Others are looking at the last pairs. What they leave, and the next pairs, appear here by themselves.",
    ),
    "working": (
        "This round is answered",
        "The model is learning from the answers. The next pairs appear here by themselves.",
    ),
    "over": ("All done, thank you", "This run has asked all its questions."),
    "away": (
        "The run has stopped",
        "Every answer is kept. When the command that started it is typed again, pairs appear here by themselves.",
    ),
    "paused": ("Asking pauses", "Continue or stop? Every answer is kept either way."),
    "stopped": (
        "Stopped here",
        "Every answer is kept. When the command that started it is typed again, it asks once more whether to go on.",
    ),
}
NOTICES = {  # by the reason of a refusal
    "answered": "You had answered that pair already: undo to change it.",
    "lapsed": "That pair is settled, or another person has it now. Here is the next one.",
    "kept": "That answer stays: the model has learnt from it, or it is of an earlier login.",
}


@dataclass(frozen=True)
class PageContent:
    """What the page shows one person.

    Attributes
    ----------
    state : str
        ``asking``: there are pairs. Otherwise the reason why there are none.
    title, text : str
        The state as a heading and a sentence; empty while there are pairs.
    pairs : tuple of Lease
        The first one is on the screen.
    undoable : int or None
        Id of the answer that undo withdraws.
    run, round : str
        As the bar names them.
    guide : ShownGuide
        The question, the instruction, the examples.
    counters : dict
        See :meth:`~whosame.annotation.web.counters.Counters.bar`; None without a run.
    so_far : AnswersSoFar
        What the answers of the run are like.
    saved : str
        The verdict that this request has committed.
    refused, notice : str
        Why the request was refused: a word, and a sentence.
    """

    state: State
    title: str
    text: str
    pairs: tuple[Lease, ...] = ()
    undoable: int | None = None
    run: str = ""
    round: str = ""
    guide: ShownGuide = field(default_factory=ShownGuide)
    counters: dict[str, Any] | None = None
    so_far: AnswersSoFar = field(default_factory=AnswersSoFar)
    saved: str = ""
    refused: str = ""
    notice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the values, for JSON; of the guide the question alone, and a name that changes with the rest."""
        pairs = [
            {
                "token": each.token,
                "left": each.left,
                "right": each.right,
                "known": [each.left_known, each.right_known],
            }
            for each in self.pairs
        ]
        so_far = asdict(self.so_far)
        return {
            **vars(self),
            "pairs": pairs,
            "so_far": so_far,
            "question": self.guide.question,
            "guide": self.guide_name,
        }

    @property
    def pause(self) -> str:
        """The state, where the run is halted and the page says why; else empty."""
        return self.state if self.state in ("paused", "stopped") else ""

    @property
    def guide_name(self) -> str:
        """Names the instruction and the examples: the page is loaded again where they change."""
        told = f"{self.guide.instruction}\0{self.guide.examples}"
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest() if self.guide else ""


def content(state: State, **values: Any) -> PageContent:
    """Return the content of a state, with its heading and sentence."""
    title, text = MESSAGES[state]
    return PageContent(state, title, text, **values)
