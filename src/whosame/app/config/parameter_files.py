"""Parameter files, before they are read: what YAML would read otherwise than it is written is refused."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from whosame.app.config.typed_parameters import takes_text
from whosame.errors import ParameterError
from whosame.parameters import Parameters

# `images: /crops #2` is /crops to YAML, and so is `pattern: ^(\d+) #(\d+)$`; a comment has a space after its #.
CUT = re.compile(r"""\s*(?:-\s+)?(?P<name>[\w-]+):\s+[^\s"'#](?:(?!\s#).)*(?P<cut>\s#\S.*)""")
# `seed: 010` is 8, `rounds: 1:30` is 90
ODD_NUMBER = re.compile(
    r"\s*(?:-\s+)?(?P<name>[\w-]+):\s+(?P<number>[-+]?(?:0[0-7_]+|[1-9][\d_]*(?::[0-5]?\d)+))\s*(?:#.*)?"
)


def check_parameter_files(files: Iterable[Path]) -> None:
    """Check that YAML reads the parameters in files as they are written.

    Raises
    ------
    ParameterError
        A text that YAML would cut at a ``#``, a number that it would read in base 8 or 60: each with file and line.
    """
    problems = [f"{path}, line {line}: {problem}" for path in files for line, problem in _problems(path)]
    if problems:
        raise ParameterError("\n".join(problems))


def _problems(path: Path) -> Iterator[tuple[int, str]]:
    from whosame.configuration import Configuration  # brings torch, seconds of a command's start

    texts = set(_texts(Configuration))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if (cut := CUT.fullmatch(line)) and cut["name"] in texts:
            yield number, f"YAML takes '{cut['cut'].strip()}' for a comment: put the value of {cut['name']} in quotes"
        if (odd := ODD_NUMBER.fullmatch(line)) and odd["name"] not in texts:
            yield number, f"YAML reads {odd['number']} in base 8 or 60: write the value of {odd['name']} in base 10"


def _texts(group: type[Parameters]) -> Iterator[str]:
    """Yield the names, without those of their groups, of the parameters that are text."""
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Parameters):
            yield from _texts(field.annotation)
        elif takes_text(field.annotation):
            yield name
