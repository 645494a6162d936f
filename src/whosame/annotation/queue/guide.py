"""Guide: what a run tells the people who answer: the question in its own words, an instruction, example pairs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from whosame.questions import Verdict

QUESTION = "Same individual?"


@dataclass(frozen=True)
class Example:
    """A pair whose answer is known: two images of the manifest."""

    image_a: int
    image_b: int
    verdict: Verdict


@dataclass(frozen=True)
class Guide:
    """What a run tells the people who answer.

    Attributes
    ----------
    question : str
        Above each pair.
    instruction : str
        How to tell; lines are kept. Empty: there is none.
    examples : tuple of Example
        Shown with the instruction.
    """

    question: str = QUESTION
    instruction: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def images(self) -> set[int]:
        """The images of the examples."""
        return {image for example in self.examples for image in (example.image_a, example.image_b)}

    def as_json(self, tokens: Mapping[int, str]) -> str:
        """Return the guide as the label store has it: the tokens of the images instead of their ids."""
        examples = [[tokens[each.image_a], tokens[each.image_b], each.verdict] for each in self.examples]
        return json.dumps({"question": self.question, "instruction": self.instruction, "examples": examples})


@dataclass(frozen=True)
class ShownGuide:
    """A guide as the page shows it.

    Attributes
    ----------
    question, instruction : str
    examples : tuple of (str, str, str)
        Tokens of the two images, and the verdict.
    """

    question: str = QUESTION
    instruction: str = ""
    examples: tuple[tuple[str, str, Verdict], ...] = field(default=())

    @classmethod
    def from_json(cls, text: str) -> "ShownGuide":
        """Read the guide of a run in the label store; one from an older version has none."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "examples": tuple(map(tuple, values.get("examples", ())))})

    def __bool__(self) -> bool:
        """Whether there is more than the question."""
        return bool(self.instruction or self.examples)


def known_as_json(known: tuple[tuple[int, ...], tuple[int, ...]], tokens: Mapping[int, str]) -> str:
    """Return the exemplars of a task's two images as the label store has them: two lists of tokens, or none."""
    return json.dumps([[tokens[image] for image in side] for side in known] if any(known) else [])


def known_from_json(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the tokens of the exemplars of a task's two images."""
    first, second = json.loads(text) or ((), ())
    return tuple(first), tuple(second)
