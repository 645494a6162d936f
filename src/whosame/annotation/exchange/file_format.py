"""File format: recognises CSV, JSON Lines and Label Studio's JSON by their content, and parses them."""

from dataclasses import replace

from whosame.annotation.exchange import csv_format, jsonl_format, label_studio
from whosame.annotation.exchange.row import ParsedFile
from whosame.names import composed


def parse_file(content: bytes, annotator: str | None = None) -> ParsedFile:
    """Return the rows of a file, each with an annotator, and all problems.

    Parameters
    ----------
    content : bytes
        In UTF-8; the first character tells the format, and of JSON the first object.
    annotator : str, optional
        Who gave the answers for which the file has no name; without it such rows are problems.
    """
    annotator = annotator and composed(annotator)
    parsed = _parse(content, annotator)
    rows = [replace(row, annotator=row.annotator or annotator or "") for row in parsed.rows]
    nameless = [
        f"{row.where}: annotator is missing: say whose the answer is, or give --annotator=NAME for all such"
        for row in rows
        if not row.annotator
    ]
    return ParsedFile([row for row in rows if row.annotator], parsed.skipped, parsed.problems + nameless)


def _parse(content: bytes, annotator: str | None) -> ParsedFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return ParsedFile(problems=[f"line {line}: not UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"])
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return ParsedFile(problems=[f"line {line}: a NUL byte: this is no text file, or a damaged one"])
    begins = text.lstrip()[:1]
    if not begins:
        return ParsedFile(problems=["line 1: the file is empty"])
    if begins == "[" or (begins == "{" and label_studio.is_task(text)):
        return label_studio.parse(text, annotator)
    return jsonl_format.parse(text) if begins == "{" else csv_format.parse(text)
