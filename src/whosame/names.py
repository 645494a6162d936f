"""Names of files and people: which text may be one, and one Unicode form for each."""

import os
import unicodedata
from pathlib import Path

NOT_PRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates (no valid UTF-8), line separators


def composed(name: str) -> str:
    """Return a name in Unicode form NFC: names that are equal in it are one name.

    A Mac writes the é of a file name as e and an accent, a keyboard as one character.
    """
    return unicodedata.normalize("NFC", name)


def existing(path: Path) -> Path:
    """Return the path that is there: the one given, or else one of the same names in another Unicode form."""
    found = Path()
    try:
        for part in path.parts:
            same = (part,) if (found / part).exists() else sorted(os.listdir(found))  # noqa: PTH208
            found /= next((name for name in same if composed(name) == composed(part)), part)
    except OSError:  # neither is there, or it may not be read
        return path
    return found


def is_printable(text: str) -> bool:
    """Return whether text is printable in one line.

    Every kind of space is, and so are the invisible characters that join letters: ``str.isprintable`` refuses the
    U+202F in the names of a Mac's screenshots.
    """
    return text.isprintable() or not any(unicodedata.category(sign) in NOT_PRINTABLE for sign in text)
