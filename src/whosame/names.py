"""Names of files and people: which text may be one, and one Unicode form for each."""

import unicodedata

NOT_PRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates (no valid UTF-8), line separators


def composed(name: str) -> str:
    """Return a name in Unicode form NFC: names that are equal in it are one name.

    A Mac writes the é of a file name as e and an accent, a keyboard as one character.
    """
    return unicodedata.normalize("NFC", name)


def is_printable(text: str) -> bool:
    """Return whether text is printable in one line.

    Every kind of space is, and so are the invisible characters that join letters: ``str.isprintable`` refuses the
    U+202F in the names of a Mac's screenshots.
    """
    return text.isprintable() or not any(unicodedata.category(sign) in NOT_PRINTABLE for sign in text)
